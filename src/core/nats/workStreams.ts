import type { StreamConfig } from '@nats-io/jetstream';
import { failure } from '../errors.js';
import type { Nats } from './connection.js';

const second = 1_000_000_000;
const day = 86_400 * second;

/** Names of the streams that work goes through, for any client: `rxnas.>` are their subjects. */
export const streams = {
  /** Units that wait or are under way: `rxnas.work.RUN.KIND.KEY`. */
  work: 'RXNAS_WORK',
  /** What became of them, the first answer of each: `rxnas.result.RUN.KEY`. */
  results: 'RXNAS_RESULTS',
  /** Units that were given up, with their error: `rxnas.aside.RUN.KIND.KEY`. */
  aside: 'RXNAS_SET_ASIDE',
  /** The newest word of each worker: `rxnas.worker.ID`. */
  workers: 'RXNAS_WORKERS',
} as const;

/** The consumer of the work that all workers share. */
export const workConsumer = 'workers';

/** How long a worker counts as alive after its last word. */
export const aliveFor = 20_000;
/** Milliseconds after which the work of a worker that says nothing is given to another one. */
export const defaultLease = 30_000;
/** Units of all runs that may wait. */
const mostUnits = 1_000_000;

export const subjects = {
  work: (run: string, kind = '*', key = '*') => `rxnas.work.${run}.${kind}.${key}`,
  result: (run: string, key = '*') => `rxnas.result.${run}.${key}`,
  aside: (run: string, kind = '*', key = '*') => `rxnas.aside.${run}.${kind}.${key}`,
  worker: (id: string) => `rxnas.worker.${id}`,
};

/** What a subject of {@link subjects} names; undefined where it is none of a unit. */
export function unitOf(subject: string): { run: string; kind: string; key: string } | undefined {
  const [, run, kind, key] =
    /^rxnas\.work\.([\w-]{1,200})\.([\w-]{1,40})\.([0-9a-f]{32})$/.exec(subject) ?? [];
  return run === undefined ? undefined : { run, kind: kind!, key: key! };
}

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name'>;

const wanted = (): Wanted[] =>
  [
    {
      name: streams.work,
      subjects: ['rxnas.work.*.*.*'],
      retention: 'workqueue',
      storage: 'file',
      // One message a unit, whoever sends it again and whenever.
      max_msgs_per_subject: 1,
      discard: 'new',
      discard_new_per_subject: true,
      max_msgs: mostUnits,
    },
    {
      name: streams.results,
      subjects: ['rxnas.result.*.*'],
      retention: 'limits',
      storage: 'file',
      max_msgs_per_subject: 1,
      max_age: 30 * day,
    },
    {
      name: streams.aside,
      subjects: ['rxnas.aside.*.*.*'],
      retention: 'limits',
      storage: 'file',
      max_msgs_per_subject: 1,
      max_msgs: 100_000,
      max_age: 30 * day,
    },
    {
      name: streams.workers,
      subjects: ['rxnas.worker.*'],
      retention: 'limits',
      storage: 'memory',
      max_msgs_per_subject: 1,
      max_age: (aliveFor / 1000) * second,
      duplicate_window: second,
    },
  ] as Wanted[];

/**
 * Makes the streams and the consumer that are not there yet. Those that are there are left as they are: their limits and replicas are the
 * operator's. Throws exit code 1 where one of them is something else.
 *
 * @param lease milliseconds, of the consumer; default: what it has, else {@link defaultLease}
 * @returns the lease
 */
export async function openWorkStreams(nats: Nats, lease?: number): Promise<number> {
  const { manager } = nats;
  for (const config of wanted()) {
    const found = await nats.request(async () =>
      manager.streams.info(config.name).catch((error) => {
        if (error.code !== 10059) throw error;
        return manager.streams.add(config);
      }),
    );
    const { retention, max_msgs_per_subject, subjects: own } = found.config;
    if (
      retention === config.retention &&
      max_msgs_per_subject === 1 &&
      own?.join() === config.subjects!.join()
    )
      continue;
    throw failure(
      `the stream ${config.name} of the NATS server at ${nats.where} is not the one of rxnas`,
      `remove or rename it (nats stream rm ${config.name})`,
    );
  }
  const consumer = await nats.request(async () =>
    manager.consumers.info(streams.work, workConsumer).catch((error) => {
      if (error.code !== 10014) throw error;
      return manager.consumers.add(streams.work, {
        durable_name: workConsumer,
        ack_policy: 'explicit',
        deliver_policy: 'all',
        ack_wait: (lease ?? defaultLease) * 1e6,
        max_deliver: -1,
        max_ack_pending: 100_000,
        max_waiting: 100_000,
      });
    }),
  );
  const { ack_wait = defaultLease * 1e6 } = consumer.config;
  if (lease === undefined || lease * 1e6 === ack_wait) return ack_wait / 1e6;
  await nats.request(() =>
    manager.consumers.update(streams.work, workConsumer, { ...consumer.config, ack_wait: lease * 1e6 }),
  );
  return lease;
}
