/** A worker thread: sleeps until shards are published, does what it can draw, sleeps again; ends by being terminated. */
import { workerData } from 'node:worker_threads';
import { awaitChange, controlBlock, takeShards, word } from '../../wasm/shards.js';
import { instantiate } from './module.js';
import type { WorkerData } from './pool.js';

const { module, memory, controlAddress, thread } = workerData as WorkerData;
const kernels = instantiate(module, memory);
const control = controlBlock(memory, controlAddress);

for (;;) {
  const limit = takeShards(control, (task, shard) => kernels.runShard(task, shard, thread));
  awaitChange(control, word.limit, limit);
}
