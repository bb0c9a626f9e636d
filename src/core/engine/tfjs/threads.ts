import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ControllerConfig } from '../../controller/config.js';
import { failure } from '../../errors.js';
import { besideModule } from '../../workers.js';
import type { GreedyDecoder } from '../simd/greedyDecoder.js';
import type { Tensors } from './binding.js';
import { Shard } from './shard.js';

/** What one can ask of a shard, wherever it computes. */
export type ShardMethod =
  | 'load'
  | 'encode'
  | 'release'
  | 'pretrain'
  | 'search'
  | 'embed'
  | 'predict'
  | 'reconstruct'
  | 'propose'
  | 'dispose';

export interface ShardClient {
  /** Calls to one shard are carried out in their order. */
  call<M extends ShardMethod>(method: M, ...args: Parameters<Shard[M]>): Promise<ReturnType<Shard[M]>>;
}

/** A shard on the thread of the caller. */
export function localShard(tensors: Tensors, decoder: GreedyDecoder, config: ControllerConfig): ShardClient {
  const shard = new Shard(tensors, decoder, config);
  return {
    async call(method, ...args) {
      return (shard[method] as (...args: unknown[]) => never)(...args);
    },
  };
}

/** What a worker thread is started with. */
export interface ThreadData {
  /** File of the native addon. */
  addon: string;
  /** The simd engine's module, for greedy decoding. */
  module: WebAssembly.Module;
}

/** A call on its way to a worker thread; `open` makes the shard of a controller. */
export interface Request {
  id: number;
  controller: number;
  method: ShardMethod | 'open';
  args: unknown[];
}

/** `live` is the number of tensors in the worker after the call. */
export type Reply = { id: number; live: number } & ({ result: unknown } | { error: unknown });

const WORKER = besideModule(import.meta.url, './worker.js');

/** Whether worker threads can be started: from the TypeScript sources they need a build. */
export const canStartThreads = existsSync(fileURLToPath(WORKER));

/** One worker thread, which holds one shard of every controller that is open. */
export class ShardThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  readonly #exited: Promise<void>;
  #ended: Error | undefined;
  #closing = false;
  #ids = 0;
  /** Tensors in the worker when it last replied. */
  live = 0;

  constructor(workerData: ThreadData, script = WORKER) {
    this.#worker = new Worker(script, { workerData });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end();
        resolve();
      });
    });
  }

  async open(controller: number, config: ControllerConfig): Promise<ShardClient> {
    await this.#call(controller, 'open', [config]);
    return { call: (method, ...args) => this.#call(controller, method, args) };
  }

  /** Carries out what was asked before, then ends the thread. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.ref();
    this.#worker.postMessage(null);
    await this.#exited;
  }

  #call<T>(controller: number, method: Request['method'], args: unknown[]): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      const id = this.#ids++;
      // The process stays alive for as long as an answer is awaited, and no longer.
      if (this.#calls.size === 0) this.#worker.ref();
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ id, controller, method, args } satisfies Request);
    });
  }

  #settle(reply: Reply): void {
    this.live = reply.live;
    const call = this.#calls.get(reply.id)!;
    this.#calls.delete(reply.id);
    if (this.#calls.size === 0 && !this.#closing) this.#worker.unref();
    if ('error' in reply) call.reject(reply.error);
    else call.resolve(reply.result as never);
  }

  #end(cause?: unknown): void {
    this.live = 0;
    this.#ended ??= failure(
      'a worker thread of the tfjs engine has ended',
      'open a new engine; `rxnas doctor` checks it',
      { cause },
    );
    for (const { reject } of this.#calls.values()) reject(this.#ended);
    this.#calls.clear();
  }
}

/** Below this many rows for each thread, a step is not divided further. */
const FEWEST_ROWS = 8;

/** Contiguous ranges of `rows` for at most `shards` shards, the earlier ones larger by at most one row. */
export function split(rows: number, shards: number): [from: number, to: number][] {
  const parts = Math.max(1, Math.min(shards, Math.floor(rows / FEWEST_ROWS)));
  return Array.from({ length: parts }, (_, i) => [
    Math.ceil((rows * i) / parts),
    Math.ceil((rows * (i + 1)) / parts),
  ]);
}
