/** A worker that draws one shard and dies with it; see shards.ts for the words of the control block. */
import { workerData } from 'node:worker_threads';

const { memory, controlAddress } = workerData;
const control = new Int32Array(memory.buffer, controlAddress, 4);
for (;;) {
  const [ticket, limit] = [Atomics.load(control, 0), Atomics.load(control, 1)];
  if (ticket === limit) Atomics.wait(control, 1, limit);
  else if (Atomics.compareExchange(control, 0, ticket, ticket + 1) === ticket) process.exit(1);
}
