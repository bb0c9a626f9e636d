import { setTimeout as pause } from 'node:timers/promises';
import type { StreamInfo } from '@nats-io/jetstream';
import type { RecordBatch } from 'apache-arrow';
import { failure, usageError } from '../errors.js';
import { given } from '../given.js';
import type { Nats } from './connection.js';
import { errorCode, isStreamFull } from './faults.js';
import {
  type BatchPart,
  batchParts,
  type EndMarker,
  headersOf,
  largestPayload,
  messageId,
  payloadOf,
  Refused,
  readMessage,
  type StreamMessage,
  serverStream,
  streamSubject,
} from './streamMessages.js';

export interface StreamWriterOptions {
  /** Name of the stream (`streamName`); made where it is not there. */
  stream: string;
  /** Bytes that the stream may hold: the writer waits while it is full. Default: what the server allows. */
  maxBytes?: number | undefined;
  /** Servers of a cluster that keep it; default 1. */
  replicas?: number | undefined;
  /** Told when it begins to wait for room in the stream. */
  onWait?: (() => void) | undefined;
  /** Ends whatever is waited for, with its reason. */
  signal?: AbortSignal | undefined;
}

/** Longer than a lost server is waited for: a message that is sent again is known. */
const duplicateWindow = 600e9;
/** Headers count, too. */
const largestMessage = largestPayload + 4096;
const longestWait = 250;
const wrongSequence = 10071;
const streamNotFound = 10059;

type Stored<M> = M & { sequence: number };

/**
 * Writes batches into a stream, in their order and each once, whatever happens to server, network or this process. A writer that is started
 * again computes its batches anew and sends those that are not in the stream yet; by the digest of the newest it sees that they are the same.
 */
export class StreamWriter {
  /** The newest part of a batch in the stream, and the end where it has one. */
  #batch: Stored<BatchPart> | undefined;
  #end: Stored<EndMarker> | undefined;
  /** Sequence of the newest message of any kind: who sends behind it knows that nobody else does. */
  #last = 0;
  #next = 0;

  private constructor(
    readonly nats: Nats,
    readonly options: StreamWriterOptions,
  ) {}

  /** Opens a stream. Throws exit code 2 where there is one of that name which was made for something else; otherwise as `Nats.request`. */
  static async open(nats: Nats, options: StreamWriterOptions): Promise<StreamWriter> {
    const writer = new StreamWriter(nats, options);
    await writer.#locate(await nats.request(() => writer.#ensure(), options.signal));
    return writer;
  }

  /**
   * Resolves when the batch is stored, at once where it was before. Throws exit code 1 where the stream holds other batches than this source
   * gives, where another process writes into it, or a row is too large.
   */
  async write(batch: RecordBatch, event?: string): Promise<void> {
    const index = this.#next++;
    // Nothing to compare with, nothing to encode.
    if (this.#batch && index < this.#batch.index) return;
    for (const part of batchParts(batch, index, event)) {
      const order = this.#batch ? compare(part, this.#batch) : 1;
      if (order < 0 || (order === 0 && messageId(part) === messageId(this.#batch!))) continue;
      if (order === 0) throw this.#conflict(`batch ${index} differs from that of this run`);
      if (this.#end) throw this.#conflict(`it ends after ${this.#end.index} batches, this run has more`);
      await this.#store(part);
    }
  }

  /** Marks the end: there are no further batches. */
  async end(): Promise<void> {
    const count = this.#next;
    if (count <= (this.#batch?.index ?? -1))
      throw this.#conflict(`it has more than the ${count} of this run`);
    if (!this.#end) await this.#store({ kind: 'end', index: count });
  }

  /** Tells readers that the source has failed. */
  async fail(message: string): Promise<void> {
    const marker = { kind: 'error', index: this.#next, message } as const;
    const { seq } = await this.nats.request(() => this.#publish(marker, {}), this.options.signal);
    this.#last = seq;
  }

  async #store(message: BatchPart | EndMarker): Promise<void> {
    const { signal } = this.options;
    for (let wait = 10; ; ) {
      const outcome = await this.nats.request(() => this.#attempt(message), signal);
      if (typeof outcome === 'object') {
        this.#last = Math.max(this.#last, outcome.seq);
        this.#keep(message, outcome.seq);
        return;
      }
      if (outcome === 'moved') {
        if (await this.#isStored(message)) return;
        continue;
      }
      if (wait === 10) await this.#beginWaiting(message);
      await pause(wait, undefined, given({ signal }));
      wait = Math.min(wait * 2, longestWait);
    }
  }

  async #attempt(message: BatchPart | EndMarker) {
    try {
      return await this.#publish(message, {
        msgID: messageId(message),
        expect: { lastSequence: this.#last },
      });
    } catch (error) {
      if (isStreamFull(error)) return 'full';
      if (errorCode(error) === wrongSequence) return 'moved';
      // Nobody listens: the server restarts, or somebody has removed the stream, which this throws.
      if ((error as Error).name === 'JetStreamNotEnabled') await this.#info();
      throw error;
    }
  }

  async #publish(message: StreamMessage, options: { msgID?: string; expect?: { lastSequence: number } }) {
    const { headers } = await import('@nats-io/transport-node');
    const named = headers();
    for (const [name, value] of Object.entries(headersOf(message))) named.set(name, value);
    return this.nats.jetstream.publish(streamSubject(this.options.stream), payloadOf(message), {
      ...options,
      headers: named,
    });
  }

  /** Whether a message whose acknowledgement was lost is there; throws where another process has sent one. */
  async #isStored(message: BatchPart | EndMarker): Promise<boolean> {
    const before = this.#newest;
    await this.#locate(await this.nats.request(() => this.#info(), this.options.signal));
    const newest = this.#newest;
    if (newest && messageId(newest) === messageId(message)) return true;
    // Only what is no batch has come meanwhile: readers refuse it, and it is no reason to stop.
    if (newest?.sequence === before?.sequence) return false;
    throw failure(
      `the stream '${this.options.stream}' was changed by somebody else while it was written`,
      'let one process at a time write into a stream; started again, this one goes on where the stream ends',
    );
  }

  async #beginWaiting(message: StreamMessage) {
    const { state, config } = await this.nats.request(() => this.#info(), this.options.signal);
    if (state.messages === 0) {
      throw failure(
        `a message of ${payloadOf(message).length} bytes is larger than the stream '${this.options.stream}' may be (${config.max_bytes})`,
        'give the stream more bytes',
      );
    }
    this.options.onWait?.();
  }

  #info(): Promise<StreamInfo> {
    return this.nats.manager.streams.info(serverStream(this.options.stream));
  }

  async #ensure(): Promise<StreamInfo> {
    const { stream, maxBytes, replicas } = this.options;
    const { streams } = this.nats.manager;
    const subjects = [streamSubject(stream)];
    let info: StreamInfo;
    try {
      info = await this.#info();
    } catch (error) {
      if (errorCode(error) !== streamNotFound) throw error;
      return streams.add({
        name: serverStream(stream),
        description: 'batches of an rxnas pipeline',
        subjects,
        retention: 'limits',
        storage: 'file',
        discard: 'new',
        duplicate_window: duplicateWindow,
        max_msg_size: largestMessage,
        ...given({ max_bytes: maxBytes, num_replicas: replicas }),
      });
    }
    const { config } = info;
    if (
      config.retention !== 'limits' ||
      String(config.subjects) !== String(subjects) ||
      config.discard !== 'new'
    ) {
      throw usageError(
        `the stream ${config.name} on ${this.nats.where} was not made by rxnas`,
        `give the stream another name, or remove it: nats stream rm ${config.name}`,
      );
    }
    if (maxBytes === undefined || config.max_bytes === maxBytes) return info;
    return streams.update(config.name, { ...config, max_bytes: maxBytes });
  }

  /** Finds the newest batch, and the end behind it, passing over whatever else there is. */
  async #locate({ state }: StreamInfo): Promise<void> {
    const { stream, signal } = this.options;
    this.#last = state.last_seq;
    this.#batch = undefined;
    this.#end = undefined;
    for (let sequence = state.last_seq; state.messages > 0 && sequence >= state.first_seq; sequence--) {
      const found = await this.nats.request(
        () => this.nats.manager.streams.getMessage(serverStream(stream), { seq: sequence }),
        signal,
      );
      if (!found) continue;
      try {
        const message = readMessage((name) => found.header.get(name), found.data);
        // A stranger may have sent a copy of one; of ours each is there once.
        if (message.kind === 'error' || found.header.get('Nats-Msg-Id') !== messageId(message)) continue;
        this.#keep(message, sequence);
        if (message.kind === 'batch') return;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }
  }

  get #newest() {
    return this.#end ?? this.#batch;
  }

  #keep(message: BatchPart | EndMarker, sequence: number) {
    if (message.kind === 'end') this.#end = { ...message, sequence };
    else this.#batch = { ...message, payload: nothing, sequence };
  }

  #conflict(what: string) {
    const { stream } = this.options;
    return failure(
      `the stream '${stream}' holds other batches: ${what}`,
      `give the stream another name, or remove it: nats stream rm ${serverStream(stream)}`,
    );
  }
}

const nothing = new Uint8Array(0);

/** The order of two messages of batches. */
const compare = (a: BatchPart, b: BatchPart): number => a.index - b.index || a.part - b.part;
