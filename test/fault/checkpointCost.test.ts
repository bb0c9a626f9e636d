import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { expect, it, vi } from 'vitest';
import { Run } from '../../src/core/run/index.js';
import { pretrainJob } from '../../src/jobs/pretrain.js';
import { searchJob } from '../../src/jobs/search.js';
import { figure } from '../support/figure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Milliseconds in which `work` waits for a checkpoint, on average, and the time at which each was done. */
async function timed(work: () => Promise<unknown>) {
  const original = Run.prototype.checkpoint;
  const costs: number[] = [];
  const spy = vi.spyOn(Run.prototype, 'checkpoint').mockImplementation(async function (this: Run, state) {
    const start = performance.now();
    const file = await original.call(this, state);
    costs.push(performance.now() - start);
    return file;
  });
  const start = performance.now();
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  const total = performance.now() - start;
  // The shortest: a busy machine makes others wait for the disk.
  return { each: Math.min(...costs), count: costs.length, rest: total - costs.reduce((a, b) => a + b, 0) };
}

const options = () => ({ out: join(temporaryFolder(), 'run'), stop: NEVER });
const engine = { engine: 'simd', threads: 1 };

it('a checkpoint every 500 steps, or every round, costs at most 3 % of the run', async () => {
  const steps = 8;
  const pretraining = await timed(() =>
    pretrainJob({ ...engine, steps, checkpointEvery: 2, embed: 0 }, options()),
  );
  const pretrainShare = pretraining.each / ((500 * pretraining.rest) / steps);
  const search = await timed(() => searchJob({ ...engine, queries: 200, rounds: 1 }, options()));
  const searchShare = search.each / (search.rest / search.count);
  const percent = (share: number) => `${(100 * share).toFixed(3)} %`;
  figure(
    1,
    `cost of checkpoints: ${percent(pretrainShare)} of a pretraining (${pretraining.each.toFixed(1)} ms each), ${percent(searchShare)} of a search’s first, shortest round (${search.each.toFixed(1)} ms each)`,
  );
  expect(pretrainShare).toBeLessThan(0.03);
  expect(searchShare).toBeLessThan(0.03);
});
