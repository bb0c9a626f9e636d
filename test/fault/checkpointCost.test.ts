import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { expect, it, vi } from 'vitest';
import { Run } from '../../src/core/run/index.js';
import { pretrainJob } from '../../src/jobs/pretrain.js';
import { searchJob } from '../../src/jobs/search.js';
import { figure, fullSize } from '../support/figure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

interface Spent {
  /** Milliseconds of the processor, as they are not lengthened by a busy machine. */
  processor: number;
  /** Milliseconds of the clock. */
  clock: number;
}

const now = (): Spent => {
  const { user, system } = process.cpuUsage();
  return { processor: (user + system) / 1000, clock: performance.now() };
};
const since = (start: Spent): Spent => {
  const end = now();
  return { processor: end.processor - start.processor, clock: end.clock - start.clock };
};

/** What the checkpoints of `work` cost one by one (it waits for each), and all else. */
async function timed(work: () => Promise<unknown>) {
  const original = Run.prototype.checkpoint;
  const each: Spent[] = [];
  const spy = vi.spyOn(Run.prototype, 'checkpoint').mockImplementation(async function (this: Run, state) {
    const start = now();
    const file = await original.call(this, state);
    each.push(since(start));
    return file;
  });
  const start = now();
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  const total = since(start);
  const rest = (of: keyof Spent) => total[of] - each.reduce((sum, spent) => sum + spent[of], 0);
  return { each, rest: { processor: rest('processor'), clock: rest('clock') } };
}

const options = () => ({ out: join(temporaryFolder(), 'run'), stop: NEVER });
const engine = { engine: 'simd', threads: 1 };
const least = (each: readonly Spent[], of: keyof Spent) => Math.min(...each.map((spent) => spent[of]));
const percent = (share: number) => `${(100 * share).toFixed(3)} %`;

it('figure 1: checkpoints, of 500 steps of 512 cells or of a round, cost at most 3 % of the run', async () => {
  const steps = fullSize ? 1000 : 8;
  const pretraining = await timed(() =>
    pretrainJob({ ...engine, steps, checkpointEvery: fullSize ? 500 : 2, embed: 0 }, options()),
  );
  const search = await timed(() => searchJob({ ...engine, queries: 200, rounds: 1 }, options()));
  for (const of of ['processor', 'clock'] as const) {
    // The least: a busy machine makes others wait.
    const pretrainShare = least(pretraining.each, of) / ((500 * pretraining.rest[of]) / steps);
    const searchShare = least(search.each, of) / (search.rest[of] / search.each.length);
    figure(
      1,
      `cost of checkpoints by ${of} time: ${percent(pretrainShare)} of ${steps} steps of a pretraining (${least(pretraining.each, of).toFixed(1)} ms each), ${percent(searchShare)} of a search’s first, shortest round`,
    );
    expect(pretrainShare).toBeLessThan(0.03);
    expect(searchShare).toBeLessThan(0.03);
  }
}, 1_200_000);
