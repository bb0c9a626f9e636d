import { expect, test } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { openEngine } from '../../../src/core/engine/index.js';
import { Crew } from '../../../src/core/kernels/crew.js';
import { kernels } from '../../../src/core/kernels/kernels.js';
import { losses, openLoss } from '../../../src/core/losses/index.js';
import { openMiner } from '../../../src/core/miners/index.js';
import { stream } from '../../../src/core/random/random.js';
import { controlBytes } from '../../../src/core/wasm/shards.js';

const rows = 203;
const random = stream(1, 'crew');
const labels = Int32Array.from({ length: rows }, (_, i) => i >> 2);
const values = Float64Array.from({ length: rows * 7 }, () => random.normal());

/** All losses with the miners of their experiments. */
function everything() {
  const batch = new EmbeddingBatch();
  return losses.map(({ name, experiment: { miner } }) => {
    const selection = openMiner(miner.name, miner.params).mine(batch.load(values, labels));
    const { value, gradient } = openLoss(name).evaluate(batch, selection);
    return { name, mined: selection.size, value, gradient };
  });
}

test('any number of threads gives the same bits, and none is left', async () => {
  const { crew } = kernels();
  expect(crew.threads).toBe(1);
  const alone = everything();
  for (const threads of [2, 3]) {
    const release = crew.share(threads);
    for (let i = 0; i < 3; i++) expect(everything()).toEqual(alone);
    expect(crew.workers).toBe(threads - 1);
    await release();
    expect([crew.workers, crew.threads]).toEqual([0, 1]);
  }
});

test('threads stay for as long as one asks for them', async () => {
  const { crew } = kernels();
  const [two, three] = [crew.share(2), crew.share(3)];
  everything();
  expect(crew.workers).toBe(2);
  await three();
  everything();
  expect(crew.workers).toBe(2);
  await two();
  await two();
  expect(crew.workers).toBe(0);
});

test('an open engine asks for its threads', async () => {
  const { crew } = kernels();
  const engine = await openEngine('simd', { threads: 2 });
  expect(crew.threads).toBe(2);
  everything();
  expect(crew.workers).toBe(1);
  await engine.dispose();
  expect([crew.workers, crew.threads]).toEqual([0, 1]);
});

/** A crew whose main thread notes the shards it does. */
function crewOf(script: URL, task: number) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  new Uint8Array(memory.buffer, 64, controlBytes).fill(0);
  const done: number[] = [];
  const data = { module: undefined as never, memory, control: 64, task, fractions: 0 };
  const runShard = (_: number, shard: number) => {
    // Time for the worker to take one as well.
    if (task > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    done.push(shard);
  };
  return { crew: new Crew(data, runShard, script, 20), done };
}
const dying = new URL('dyingWorker.mjs', import.meta.url);

test.each([
  ['there is no such script', new URL('nowhere.mjs', import.meta.url)],
  ['it ends at once', dying],
])('the main thread does without a worker: %s', async (_, script) => {
  const { crew, done } = crewOf(script, 0);
  const release = crew.share(2);
  crew.run(5);
  await expect.poll(() => crew.workers).toBe(0);
  crew.run(5);
  expect(done).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  await release();
});

test('a worker that ends in the middle of a shard ends the task with a message, not the program', async () => {
  const { crew, done } = crewOf(dying, 8);
  const release = crew.share(2);
  expect(() => {
    // The worker may be late for the first tasks.
    for (let i = 0; i < 100; i++) crew.run(5);
  }).toThrow('a worker thread of the miners and losses has stopped');
  await release();
  done.length = 0;
  crew.run(3);
  expect(done).toEqual([0, 1, 2]);
});
