/** A worker thread that takes one shard and ends without having done it; started with `task` 0 it ends at once. */
import { workerData } from 'node:worker_threads';
import { controlBlock, takeShards } from '../../../dist/core/wasm/shards.js';

const control = controlBlock(workerData.memory, workerData.control);
while (workerData.task > 0) takeShards(control, () => process.exit());
process.exit();
