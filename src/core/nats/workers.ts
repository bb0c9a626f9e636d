import { z } from 'zod';
import { fromBytes, messageVersion } from '../work/message.js';
import type { Nats } from './connection.js';
import { openWorkStreams, streams, workConsumer } from './workStreams.js';

const count = z.int().min(0);

/** What a worker says of itself every few seconds. Times are milliseconds since 1970. */
const workerWord = z.strictObject({
  v: z.literal(messageVersion),
  id: z.string().max(200),
  host: z.string().max(255),
  pid: count,
  version: z.string().max(100),
  slots: count,
  since: count,
  isLeaving: z.boolean(),
  done: count,
  failed: count,
  refused: count,
  repeated: count,
  units: z
    .array(
      z.strictObject({
        run: z.string().max(200),
        kind: z.string().max(40),
        key: z.string().max(40),
        what: z.string().max(1000),
        since: count,
        deliveries: count,
      }),
    )
    .max(4096),
});
export type WorkerWord = z.output<typeof workerWord>;

/** A unit that was given up. */
const asideMessage = z.object({
  what: z.string().max(1000),
  attempts: count,
  reason: z.string().max(10_000),
  worker: z.string().max(200),
});

export interface WorkStatus {
  /** Workers that are alive, longest first; `heard`: when they said so, in milliseconds since 1970. */
  workers: (WorkerWord & { heard: number })[];
  queue: {
    /** Units that no worker has taken. */
    waiting: number;
    /** Units that workers have. */
    underWay: number;
    /** Of these, such that another worker had before. */
    again: number;
    /** Answers that are stored, of all runs. */
    answers: number;
  };
  aside: {
    count: number;
    /** The newest, at most ten. */
    newest: (z.output<typeof asideMessage> & { run: string; at: number })[];
  };
}

/** Who does what on a server. */
export async function workStatus(nats: Nats): Promise<WorkStatus> {
  await openWorkStreams(nats);
  const { manager } = nats;
  const told = await nats.request(() => manager.streams.info(streams.workers, { subjects_filter: '>' }));
  const words = await Promise.all(
    Object.keys(told.state.subjects ?? {}).map((last_by_subj) =>
      nats.request(() => manager.streams.getMessage(streams.workers, { last_by_subj })),
    ),
  );
  const workers = words.flatMap((message) => {
    const { data } = message ? workerWord.safeParse(fromBytes(message.data)) : {};
    return data ? [{ ...data, heard: message!.time.getTime() }] : [];
  });
  const [consumer, results, aside] = await Promise.all([
    nats.request(() => manager.consumers.info(streams.work, workConsumer)),
    nats.request(() => manager.streams.info(streams.results)),
    nats.request(() => manager.streams.info(streams.aside)),
  ]);
  return {
    workers: workers.sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1)),
    queue: {
      waiting: consumer.num_pending,
      underWay: consumer.num_ack_pending,
      again: consumer.num_redelivered,
      answers: results.state.messages,
    },
    aside: {
      count: aside.state.messages,
      newest: await newest(nats, aside.state.first_seq, aside.state.last_seq),
    },
  };
}

async function newest(nats: Nats, first: number, last: number): Promise<WorkStatus['aside']['newest']> {
  const found: WorkStatus['aside']['newest'] = [];
  for (let seq = last; seq >= first && seq > last - 10 && seq > 0; seq--) {
    const message = await nats.request(() => nats.manager.streams.getMessage(streams.aside, { seq }));
    const { data } = message ? asideMessage.safeParse(fromBytes(message.data)) : {};
    if (data) found.push({ ...data, run: message!.subject.split('.')[2]!, at: message!.time.getTime() });
  }
  return found;
}
