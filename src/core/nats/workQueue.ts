import { randomUUID } from 'node:crypto';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { WorkFiles } from '../work/kind.js';
import type { WorkQueue } from '../work/queueExecutor.js';
import type { Nats } from './connection.js';
import { streams, subjects } from './workStreams.js';

/** After two heartbeats that do not come, the consumer is made anew from where it was: the server has lost it in a restart. */
const pulling = { expires: 5000, idle_heartbeat: 1000 };

/** The {@link WorkQueue} of a NATS server whose streams are there (`openWorkStreams`); it owns the connection. */
export class NatsWorkQueue implements WorkQueue {
  readonly files: WorkFiles;
  readonly #nats: Nats;
  readonly #kind: string;
  #run = '';
  #messages: ConsumerMessages | undefined;

  /** @param kind name of the kind of work */
  constructor(nats: Nats, kind: string, files: WorkFiles) {
    this.#nats = nats;
    this.#kind = kind;
    this.files = files;
  }

  async listen(
    run: string,
    onAnswer: (key: string, answer: Uint8Array) => void,
    onLost: (error: Error) => void,
  ): Promise<Set<string>> {
    const nats = this.#nats;
    const { manager, jetstream } = nats;
    this.#run = run;
    void nats.closed.then((error) => error && onLost(error));
    const filter = subjects.result(this.#run);
    // Where to begin comes first: what is stored from here on is told, what was before is listed.
    const { state } = await nats.request(() => manager.streams.info(streams.results));
    const consumer = await nats.request(() =>
      jetstream.consumers.get(streams.results, {
        filter_subjects: filter,
        deliver_policy: 'by_start_sequence',
        opt_start_seq: state.last_seq + 1,
      }),
    );
    this.#messages = await consumer.consume({
      max_messages: 500,
      ...pulling,
      callback: (message) => onAnswer(keyOf(message.subject), message.data),
    });
    const stored = await nats.request(() =>
      manager.streams.info(streams.results, { subjects_filter: filter }),
    );
    return new Set(Object.keys(stored.state.subjects ?? {}).map(keyOf));
  }

  async offer(key: string, unit: Uint8Array): Promise<boolean> {
    const subject = subjects.work(this.#run, this.#kind, key);
    // The same for every attempt at this one request, so that one that was stored but not confirmed is not stored again.
    const msgID = `${key}.${randomUUID()}`;
    return this.#nats.request(() =>
      this.#nats.jetstream.publish(subject, unit, { msgID }).then(
        () => true,
        (error: Error) => {
          if (/maximum messages per subject/.test(error.message)) return false;
          throw error;
        },
      ),
    );
  }

  async answer(key: string): Promise<Uint8Array | undefined> {
    const { manager } = this.#nats;
    const last_by_subj = subjects.result(this.#run, key);
    const message = await this.#nats.request(() =>
      manager.streams.getMessage(streams.results, { last_by_subj }),
    );
    return message?.data;
  }

  async forget(key: string): Promise<void> {
    const filter = subjects.result(this.#run, key);
    await this.#nats.request(() => this.#nats.manager.streams.purge(streams.results, { filter }));
  }

  async withdraw(): Promise<void> {
    const filter = subjects.work(this.#run);
    await this.#nats.manager.streams.purge(streams.work, { filter });
  }

  async workers(): Promise<number> {
    const { state } = await this.#nats.request(() => this.#nats.manager.streams.info(streams.workers));
    return state.num_subjects ?? 0;
  }

  async close(): Promise<void> {
    await this.#messages?.close();
    await this.#nats.close();
  }
}

const keyOf = (subject: string) => subject.slice(subject.lastIndexOf('.') + 1);
