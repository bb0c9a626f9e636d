import { parentPort } from 'node:worker_threads';
import type { ControllerConfig } from '../../controller/config.js';
import { bindingOf, Tensors } from './binding.js';
import { loadTfjs } from './load.js';
import { Shard } from './shard.js';
import type { Reply, Request } from './threads.js';

/** A worker thread of the engine: holds a shard of each open controller and carries out what the main thread asks. */
const port = parentPort!;
const loading = loadTfjs({ intraOpThreads: 1 }).then((tf) => new Tensors(bindingOf(tf)));
const shards = new Map<number, Shard>();

port.on('message', async (request: Request | null) => {
  // Awaiting a settled promise keeps the order of the messages.
  const tensors = await loading.catch((error: unknown) => error as Error);
  if (request === null) return port.close();
  const { id, controller, method, args } = request;
  const reply = (outcome: { result: unknown } | { error: unknown }) => {
    const live = tensors instanceof Tensors ? tensors.live : 0;
    port.postMessage(
      { id, live, ...outcome } satisfies Reply,
      'result' in outcome ? buffersOf(outcome.result) : [],
    );
  };
  try {
    if (!(tensors instanceof Tensors)) throw tensors;
    if (method === 'open') {
      shards.set(controller, new Shard(tensors, args[0] as ControllerConfig));
      return reply({ result: undefined });
    }
    const shard = shards.get(controller)!;
    const result = (shard[method] as (...args: unknown[]) => unknown).apply(shard, args);
    if (method === 'dispose') shards.delete(controller);
    reply({ result });
  } catch (error) {
    reply({ error });
  }
});

/** The buffers of a result, to be moved to the main thread instead of copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(result)) return [result.buffer as ArrayBuffer];
  if (result === null || typeof result !== 'object') return [];
  return Object.values(result).flatMap(buffersOf);
}
