/** A worker thread of the kernels: sleeps until shards are published, does what it can draw, sleeps again; ends by being terminated. */
import { workerData } from 'node:worker_threads';
import { awaitChange, controlBlock, takeShards, word } from '../wasm/shards.js';
import type { WorkerData } from './crew.js';
import { instantiate } from './module.js';
import { runShard, taskNumbers } from './task.js';

const data = workerData as WorkerData;
const kernels = instantiate(data.module, data.memory);
kernels.setFractions(data.fractions);
const control = controlBlock(data.memory, data.control);
const task = new Float64Array(data.memory.buffer, data.task, taskNumbers);

for (;;) {
  const limit = takeShards(control, (_, shard) => runShard(kernels, task, shard, data.thread));
  awaitChange(control, word.limit, limit);
}
