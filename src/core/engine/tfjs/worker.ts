import { parentPort, workerData } from 'node:worker_threads';
import type { ControllerConfig } from '../../controller/config.js';
import { GreedyDecoder } from '../simd/greedyDecoder.js';
import { openAddon, Tensors } from './binding.js';
import { Shard } from './shard.js';
import type { Reply, Request, ThreadData } from './threads.js';

/** A worker thread of the engine: holds a shard of each open controller and carries out what the main thread asks. */
const port = parentPort!;
const { addon, module } = workerData as ThreadData;
const tensors = new Tensors(openAddon(addon));
const decoder = new GreedyDecoder(module);
const shards = new Map<number, Shard>();

port.on('message', (request: Request | null) => {
  if (request === null) return port.close();
  let outcome: { result: unknown } | { error: unknown };
  try {
    outcome = { result: carryOut(request) };
  } catch (error) {
    outcome = { error };
  }
  const reply: Reply = { id: request.id, live: tensors.live, ...outcome };
  port.postMessage(reply, 'result' in outcome ? buffersOf(outcome.result) : []);
});

function carryOut({ controller, method, args }: Request): unknown {
  if (method === 'open') {
    shards.set(controller, new Shard(tensors, decoder, args[0] as ControllerConfig));
    return undefined;
  }
  const shard = shards.get(controller)!;
  if (method === 'dispose') shards.delete(controller);
  return (shard[method] as (...args: unknown[]) => unknown).apply(shard, args);
}

/** The buffers of a result, to be moved to the main thread instead of copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(result)) return [result.buffer as ArrayBuffer];
  if (result === null || typeof result !== 'object') return [];
  return Object.values(result).flatMap(buffersOf);
}
