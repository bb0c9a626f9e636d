import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { RecordBatch } from 'apache-arrow';
import { type Columns, concatBatches } from '../batch/index.js';
import { dataError, failure, RxnasError, usageError } from '../errors.js';
import { given } from '../given.js';
import type { Nats } from './connection.js';
import { errorCode, isPassing, natsFault } from './faults.js';
import {
  type BatchPart,
  Refused,
  readMessage,
  rowsOfPart,
  type StreamMessage,
  serverStream,
} from './streamMessages.js';

export interface StreamReaderOptions {
  /** Name of the stream; waited for where it is not there yet. */
  stream: string;
  /** Where to begin: a message's sequence in the stream, or the first one after a time (ISO 8601). Default: the first batch. */
  from?: { sequence?: number | undefined; time?: string | undefined } | undefined;
  /**
   * Remove what was taken from the stream, so that a writer that waits for room goes on; one reader at a time. A reader that is started
   * again begins behind what was taken.
   */
  release?: boolean | undefined;
  /** Milliseconds without a message after which it gives up; default: never. */
  patience?: number | undefined;
  /** Messages that may be asked for now, ≥ 1: the credit of the stage that works on them. */
  room: () => number;
  /** Why a batch is none for this reader; undefined where it is. */
  fault?: ((batch: RecordBatch<Columns>, event: string | undefined) => string | undefined) | undefined;
  /** Told each message that is no batch of the stream, and passed over. */
  onRefused?: ((why: string, sequence: number) => void) | undefined;
  signal: AbortSignal;
}

export interface StreamBatch {
  batch: RecordBatch<Columns>;
  /** Number of the batch in the stream, from 0. */
  index: number;
  /** Sequence of its (last) message. */
  sequence: number;
  event?: string;
  /** Acknowledges it: whoever took it needs it no more. In the order of the batches. */
  taken(): void;
}

/** A request for messages ends after so long, and is made again. */
const requestExpires = 5_000;
const streamNotFound = 10059;
const consumerNotFound = 10014;
const nanoseconds = 1_000_000;
/** A reader that is gone is forgotten by the server. */
const forgetAfter = 5 * 60_000;
/** A message that is not acknowledged comes again: it is known, and passed over. */
const acknowledgeWithin = 60_000;
/** A reader that is left does not wait longer for a server that is away. */
const longestGoodbye = 1_000;
const releasing = 'releasing';

/**
 * Reads the batches of a stream, in their order and each once, whatever happens to server and network: what was lost on its way is asked for
 * again, what comes twice is passed over. A pull consumer asks for as many messages as there is `room`.
 */
export class StreamReader {
  readonly #name: string;
  /** Number of the next batch; undefined where the first one decides it. */
  #next: number | undefined;
  /** Parts of it that have come. */
  #parts: { sequences: number[]; batches: RecordBatch<Columns>[]; of: number } | undefined;
  /** Sequence of the newest message that was looked at. */
  #seen = 0;
  #consumer: Consumer | undefined;
  #reconnects = 0;
  #heard = performance.now();
  /** Messages that were handed on and are not acknowledged, by sequence. */
  readonly #underWay = new Map<number, JsMsg>();
  readonly #taken: number[] = [];
  /** Sequence up to which all is acknowledged. */
  #floor = 0;
  #acknowledging: Promise<void> | undefined;
  #broken: unknown;

  constructor(
    readonly nats: Nats,
    readonly options: StreamReaderOptions,
  ) {
    this.#name = serverStream(options.stream);
    const { from = {}, release } = options;
    const anywhere = from.sequence !== undefined || from.time !== undefined;
    if (anywhere && release) {
      throw usageError(
        `the stream '${options.stream}' cannot be read from a later place and released`,
        'leave out `from` or `release`',
      );
    }
    this.#next = anywhere || release ? undefined : 0;
  }

  /** The batches, up to the end of the stream. Leave it early with `return`, or by the signal. Close the reader afterwards. */
  async *batches(): AsyncGenerator<StreamBatch, void> {
    const { signal } = this.options;
    while (!signal.aborted) {
      const consumer = await this.#subscribe();
      for await (const message of this.#pulled(consumer)) {
        const read = this.#read(message);
        if (read === 'end') return;
        if (read === 'gap') {
          await this.#forget();
          break;
        }
        if (read) yield read;
        if (this.#broken) throw this.#broken;
      }
    }
    signal.throwIfAborted();
  }

  /** Sends what was acknowledged and takes the consumer off the server. */
  async close(): Promise<void> {
    const { signal } = this.options;
    await (signal.aborted ? Promise.race([this.#acknowledging, pause(longestGoodbye)]) : this.#acknowledging);
    if (this.#broken && !signal.aborted) throw this.#broken;
    await this.#forget();
  }

  /** Messages of one request, as they come. Ends early where the connection or the consumer is gone. */
  async *#pulled(consumer: Consumer): AsyncGenerator<JsMsg, void> {
    const { signal, room } = this.options;
    let messages: ConsumerMessages | undefined;
    const stop = () => messages?.stop();
    signal.addEventListener('abort', stop);
    try {
      messages = await consumer.fetch({
        max_messages: Math.max(1, room()),
        expires: requestExpires,
        // Else the client asks after the consumer when it connects again, for ever where the server that had it is gone.
        bind: true,
      });
      if (signal.aborted) return;
      for await (const message of messages) {
        this.#heard = performance.now();
        yield message;
      }
      if (this.#reconnects !== this.nats.reconnects) await this.#forget();
    } catch (error) {
      if (error instanceof RxnasError) throw error;
      if (this.nats.connection.isClosed())
        throw (await this.nats.closed) ?? natsFault(error, this.nats.where);
      if (!isPassing(error) && !isGone(error)) throw natsFault(error, this.nats.where);
      this.#consumer = undefined;
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
    }
    this.#checkPatience();
  }

  #checkPatience() {
    const { patience = Number.POSITIVE_INFINITY, stream } = this.options;
    if (performance.now() - this.#heard < patience) return;
    throw failure(
      `nothing has come by the stream '${stream}' for ${Math.round(patience / 1000)} s`,
      'see to the process that writes it; nothing is lost',
    );
  }

  /** The consumer, made anew behind what was seen where there is none. */
  async #subscribe(): Promise<Consumer> {
    if (this.#consumer) return this.#consumer;
    const { signal, from = {}, release } = this.options;
    const { manager, jetstream } = this.nats;
    this.#reconnects = this.nats.reconnects;
    for (;;) {
      try {
        this.#consumer = await this.nats.request(async () => {
          if (release) await this.#takeOver();
          const behind = release ? this.#floor : this.#seen;
          const start =
            behind > 0 || from.sequence !== undefined
              ? ({
                  deliver_policy: 'by_start_sequence',
                  opt_start_seq: Math.max(behind + 1, from.sequence ?? 1),
                } as const)
              : from.time !== undefined
                ? ({
                    deliver_policy: 'by_start_time',
                    opt_start_time: new Date(from.time).toISOString(),
                  } as const)
                : ({ deliver_policy: 'all' } as const);
          const { name } = await manager.consumers.add(this.#name, {
            ...start,
            ...(release ? { durable_name: releasing } : { inactive_threshold: forgetAfter * nanoseconds }),
            ack_policy: 'explicit',
            ack_wait: acknowledgeWithin * nanoseconds,
            max_ack_pending: -1, // what is under way is bounded by what is asked for
          });
          return jetstream.consumers.get(this.#name, name);
        }, signal);
        return this.#consumer;
      } catch (error) {
        if (errorCode(error) !== streamNotFound || this.#seen > 0) throw error;
        this.#checkPatience();
        await pause(200, undefined, { signal });
      }
    }
  }

  /** Removes the consumer of an earlier reader, or of this one before the connection was lost, and goes on behind what it had released. */
  async #takeOver(): Promise<void> {
    const { consumers } = this.nats.manager;
    try {
      const { ack_floor } = await consumers.info(this.#name, releasing);
      this.#floor = Math.max(this.#floor, ack_floor.stream_seq);
      this.#seen = Math.max(this.#seen, this.#floor);
      await consumers.delete(this.#name, releasing);
    } catch (error) {
      if (errorCode(error) !== consumerNotFound) throw error;
    }
  }

  /** Takes the consumer off the server, where it is still there. One that releases stays: it holds how far. */
  async #forget(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (!consumer || this.options.release || this.nats.connection.isClosed()) return;
    await consumer.delete().catch(() => {});
  }

  #read(message: JsMsg): StreamBatch | 'end' | 'gap' | undefined {
    if (message.seq <= this.#seen) return this.#again(message);
    const before = this.#seen;
    this.#seen = message.seq;
    try {
      const read = readMessage((name) => message.headers?.get(name) ?? '', message.data);
      if (read.kind === 'error') return this.#failed(read.message, message);
      const place = this.#placeOf(read);
      if (place === 'before') throw new Refused(`batch ${read.index} was there before`);
      if (place === 'behind') return this.#gap(read, before);
      if (read.kind === 'end') {
        return 'end'; // not acknowledged: a reader that is started again finds it
      }
      return this.#take(read, message);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.options.onRefused?.(error.message, message.seq);
      message.term();
      return undefined;
    }
  }

  /** Whether a message is the next one. */
  #placeOf(read: Exclude<StreamMessage, { kind: 'error' }>): 'next' | 'before' | 'behind' {
    const part = read.kind === 'batch' ? read.part : 1;
    const wanted = (this.#parts?.batches.length ?? 0) + 1;
    if (this.#next === undefined) {
      if (part > 1) return 'before'; // the middle of a batch
      this.#next = read.index;
    }
    const order = read.index - this.#next || part - wanted;
    return order === 0 ? 'next' : order < 0 ? 'before' : 'behind';
  }

  #take(read: BatchPart, message: JsMsg): StreamBatch | undefined {
    const rows = rowsOfPart(read);
    const why = this.options.fault?.(rows, read.event);
    if (why !== undefined) throw new Refused(why);
    this.#parts ??= { sequences: [], batches: [], of: read.parts };
    const { sequences, batches, of } = this.#parts;
    if (of !== read.parts) throw new Refused(`it is part ${read.part} of ${read.parts}, of ${of} before`);
    const first = batches[0];
    if (first && String(first.schema) !== String(rows.schema))
      throw new Refused('its columns are not those of the part before');
    sequences.push(message.seq);
    this.#underWay.set(message.seq, message);
    batches.push(rows);
    if (batches.length < of) return undefined;
    this.#parts = undefined;
    this.#next = read.index + 1;
    return {
      batch: concatBatches(batches),
      index: read.index,
      sequence: message.seq,
      ...given({ event: read.event }),
      taken: () => this.#acknowledge(sequences),
    } as StreamBatch;
  }

  /** Where messages are missing before one: they were lost on their way, and come again; or the stream does not have them. */
  #gap(read: Exclude<StreamMessage, { kind: 'error' }>, before: number): 'gap' {
    const isContiguous = this.#gapAt === read.index;
    if (isContiguous) {
      const { stream } = this.options;
      const what =
        read.index - this.#next! > 1
          ? `batches ${this.#next} to ${read.index - 1} are`
          : `batch ${this.#next} is`;
      throw dataError(
        `${what} missing from the stream '${stream}'`,
        this.#next === 0
          ? 'they were released or removed: begin at a later place with `from`'
          : 'somebody has removed them, or writes into it: write it again, under another name',
      );
    }
    this.#gapAt = read.index;
    this.#seen = before;
    return 'gap';
  }
  /** Index behind the newest gap. */
  #gapAt: number | undefined;

  #failed(text: string, message: JsMsg): undefined {
    // Where something follows, the source was started again.
    if (message.info.pending > 0) return undefined;
    throw failure(
      `the source of the stream '${this.options.stream}' has failed: ${text}`,
      'see to it and start it again: it goes on where the stream ends, and so can this run',
    );
  }

  /** What came before comes again where its acknowledgement was late or lost. */
  #again(message: JsMsg): undefined {
    if (this.#underWay.has(message.seq)) this.#underWay.set(message.seq, message);
    else message.ack();
  }

  #acknowledge(sequences: readonly number[]): void {
    this.#taken.push(...sequences);
    this.#acknowledging ??= this.#send()
      .catch((error) => {
        this.#broken = error;
      })
      .finally(() => {
        this.#acknowledging = undefined;
      });
  }

  async #send(): Promise<void> {
    const { release } = this.options;
    while (this.#taken.length > 0) {
      for (const sequence of this.#taken.splice(0)) {
        // The server has to know how far we are before it lets go of anything.
        if (release) await this.nats.request(() => this.#underWay.get(sequence)!.ackAck());
        else this.#underWay.get(sequence)!.ack();
        this.#underWay.delete(sequence);
        this.#floor = sequence;
      }
      // All before the newest one, by which a writer finds its place. (Servers take "all before 1" for all.)
      if (release && this.#floor > 1) {
        await this.nats.request(() => this.nats.manager.streams.purge(this.#name, { seq: this.#floor }));
      }
    }
  }
}

/** Whether the consumer, or what it was connected by, is no more. */
const isGone = (error: unknown) =>
  /heartbeats missed|consumer (deleted|not found)|no responders|stream (deleted|not found)/.test(
    String((error as Error)?.message),
  );
