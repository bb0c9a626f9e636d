import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { embeddedBenchmark, openBenchmark } from '../../../../src/core/benchmark/index.js';
import { openLive } from '../../../../src/core/benchmark/live/liveBenchmark.js';
import { networkPlan, parameterCount } from '../../../../src/core/benchmark/live/network.js';
import { liveParams } from '../../../../src/core/benchmark/live/settings.js';
import { live } from '../../../../src/core/benchmark/live/spec.js';
import type { Training, TrainingWork } from '../../../../src/core/benchmark/live/training.js';
import { trainingProcesses } from '../../../../src/core/benchmark/live/trainingKind.js';
import { failure } from '../../../../src/core/errors.js';
import { parseParams } from '../../../../src/core/params.js';
import { cellOf, nasbench101, verticesOf } from '../../../../src/core/space/nasbench101.js';
import { GivenUp } from '../../../../src/core/work/executor.js';
import { writeCifar10Folder, writeIdxFolder } from '../../../support/imageFolders.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';
import { tfjsLoads } from '../../../support/tfjs.js';

/** Small enough for a training in a tenth of a second. */
const small = 'images=40,validation=20,test=20,batch=10,epochs=2,channels=8,stacks=2';

function folders() {
  const data = writeIdxFolder(join(temporaryFolder(), 'data'), { training: 100, test: 40 });
  return { data, cache: join(temporaryFolder(), 'cache') };
}

const parseLive = (text: string) => parseParams('benchmark live', liveParams, live.parse!(text));

/** Trains nothing: figures that follow from the work, after it was let go. */
class FakeExecutor {
  readonly slots = 2;
  readonly done: TrainingWork[] = [];
  closed = false;
  constructor(readonly train: (work: TrainingWork) => Partial<Training> = () => ({})) {}
  async run(work: TrainingWork): Promise<Training> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.done.push(work);
    const { cell, repeat } = work;
    return { cell, repeat, validation: 0.5, test: 0.25, parameters: 9, seconds: 2, ...this.train(work) };
  }
  async close() {
    this.closed = true;
  }
}

async function open(params = '', at = folders(), executor = new FakeExecutor()) {
  const text = [`idx:${at.data}`, `cache=${at.cache}`, small, params].filter(Boolean).join();
  const benchmark = await openLive(parseLive(text), { executor });
  onTestFinished(() => benchmark.close!());
  return { benchmark, executor };
}

const [first, second, third] = nasbench101.cells().subarray(1000) as unknown as [number, number, number];

describe('a lookup', () => {
  it('trains a cell once for each repeat, whatever isomorphic copy is asked for and how often', async () => {
    const { benchmark, executor } = await open('repeats=3');
    // input → 1 → output with 1 and 2 exchanged, beside input → 2 → 3 → output.
    const cell = cellOf(5, 0b1010_100_01_1, '012');
    const canonical = nasbench101.canonical(cell);
    const copies = [cell, canonical, cell];
    const found = await Promise.all(copies.map((copy) => benchmark.lookup(copy)));
    expect(found[0]).toEqual({
      validation: [0.5, 0.5, 0.5],
      test: [0.25, 0.25, 0.25],
      parameters: 9,
      seconds: 2,
    });
    expect(found[1]).toEqual(found[0]);
    await benchmark.lookup(canonical);
    expect(executor.done.map((work) => [work.cell, work.repeat])).toEqual(
      [0, 1, 2].map((r) => [canonical, r]),
    );
    expect(benchmark.concurrency).toBe(4);
  });

  it('finds what others have trained with the same settings, and only that', async () => {
    const at = folders();
    const writer = await open('', at);
    const reader = await open('', at);
    const other = await open('learningRate=0.1', at);
    await writer.benchmark.lookup(first);
    await reader.benchmark.lookup(first);
    expect(reader.executor.done).toEqual([]);
    await other.benchmark.lookup(first);
    expect(other.executor.done).toHaveLength(1);
    await writer.benchmark.close!();
    // More repeats need only the further ones; how it is carried out is no part of the settings.
    const more = await open('repeats=2,workers=5,seconds=100', at);
    await more.benchmark.lookup(first);
    expect(more.executor.done.map(({ repeat }) => repeat)).toEqual([1]);
    expect(readdirSync(at.cache).filter((name) => name.endsWith('.log'))).toHaveLength(2);
    const about = readdirSync(at.cache).find((name) => name.endsWith('.json'))!;
    expect(JSON.parse(readFileSync(join(at.cache, about), 'utf8'))).toMatchObject({
      data: { format: 'idx', folder: at.data },
      network: { classes: 4, channels: 8 },
    });
  });

  it('has the accuracy of chance, and says why, where training diverged; and says where its time was up', async () => {
    const at = folders();
    const executor = new FakeExecutor(({ cell, repeat }) => {
      if (cell === second) return { stopped: 'time' };
      return repeat === 1 ? { validation: Number.NaN, test: Number.NaN, stopped: 'diverged' } : {};
    });
    const { benchmark } = await open('repeats=2', at, executor);
    const diverged = { validation: [0.5, 0.25], test: [0.25, 0.25], stopped: 'diverged' };
    expect(await benchmark.lookup(first)).toMatchObject(diverged);
    expect(await benchmark.lookup(second)).toMatchObject({ validation: [0.5, 0.5], stopped: 'time' });
    expect(await (await open('repeats=2', at)).benchmark.lookup(first)).toMatchObject(diverged);
  });

  it('fails for a cell that is given up, again without another attempt, and not for others', async () => {
    const executor = new FakeExecutor(({ cell }) => {
      if (cell === first) throw new GivenUp('it', 3, 'out of memory');
      return {};
    });
    const { benchmark } = await open('', folders(), executor);
    await expect(benchmark.lookup(first)).rejects.toThrow('given up after 3 attempts: out of memory');
    await expect(benchmark.lookup(first)).rejects.toThrow('given up');
    expect(executor.done).toHaveLength(1);
    expect(await benchmark.lookup(second)).toMatchObject({ test: [0.25] });
  });

  it('has the accuracy of chance for such a cell where that is wanted, and for no other error', async () => {
    const at = folders();
    const executor = new FakeExecutor(({ cell, repeat }) => {
      if (cell === first && repeat === 0) throw new GivenUp('it', 3, 'out of memory');
      if (cell === second) throw failure('no tfjs-node', '');
      return {};
    });
    const { benchmark } = await open('onGivenUp=chance,repeats=2', at, executor);
    const { parameters, ...found } = await benchmark.lookup(first);
    expect(found).toEqual({ validation: [0.25, 0.5], test: [0.25, 0.25], seconds: 1, stopped: 'failed' });
    expect(parameters).toBeGreaterThan(1000);
    await expect(benchmark.lookup(second)).rejects.toThrow('no tfjs-node');
    // Another run tries again.
    const again = await open('', at);
    expect(await again.benchmark.lookup(first)).not.toHaveProperty('stopped');
  });

  it('begins no training when the budget is spent; what is in the cache costs nothing', async () => {
    const at = folders();
    const { benchmark } = await open('seconds=4', at);
    await benchmark.lookup(first);
    await benchmark.lookup(second);
    await expect(benchmark.lookup(third)).rejects.toMatchObject({
      exitCode: 1,
      message: 'the training budget of 4 s is spent (4.0 s)',
    });
    await benchmark.lookup(first);
    const again = await open('seconds=1', at);
    await again.benchmark.lookup(first);
    await again.benchmark.lookup(third);
    expect(again.executor.done).toHaveLength(1);
  });

  it('is refused for what is no cell, and after closing, which ends the executor', async () => {
    const { benchmark, executor } = await open('');
    expect(benchmark.has(0xffff_fff)).toBe(false);
    await expect(benchmark.lookup(0xffff_fff)).rejects.toMatchObject({ exitCode: 3 });
    const pending = benchmark.lookup(first);
    await benchmark.close!();
    expect(executor.closed).toBe(true);
    await pending;
    await expect(benchmark.lookup(second)).rejects.toMatchObject({ exitCode: 1 });
  });
});

it('is refused at once where its parameters do not go together or the images are not there', async () => {
  const at = folders();
  const refused = async (text: string, exitCode: number, says: RegExp) => {
    const opened = (async () => openLive(parseLive(text), { executor: new FakeExecutor() }))();
    await expect(opened).rejects.toMatchObject({ exitCode, message: expect.stringMatching(says) });
  };
  const idx = `idx:${at.data},cache=${at.cache},${small}`;
  await refused(`${idx},epochs=3`, 2, /epochs is given twice/);
  await refused(`idx:${at.data},epoch=3`, 2, /no parameter 'epoch'/);
  await refused(`idx:${at.data},epochs=many`, 2, /parameter 'epochs'/);
  await refused(
    `idx:${at.data},images=90,batch=10,test=10,validation=11`,
    2,
    /cannot take 101 training and valid/,
  );
  await refused(`idx:${at.data},images=8,validation=8,test=8,batch=10`, 2, /batch is 10, of only 8/);
  await refused(`${idx},side=2`.replace('stacks=2', 'stacks=3'), 2, /cannot be halved 2 times/);
  await refused(`idx:${at.data}/nothing`, 3, /cannot read the folder/);
  writeFileSync(at.cache, 'a file');
  await refused(idx, 1, /cache/);
});

it('reads its parameters from a text, in which folders may hold commas', () => {
  expect(parseLive('idx:a, b/c,epochs=5,learningRate=1e-3,cache=x,y')).toMatchObject({
    data: 'idx:a, b/c',
    epochs: 5,
    learningRate: 0.001,
    cache: 'x,y',
  });
  expect(parseLive('mnist')).toMatchObject({ data: 'mnist', epochs: 3, images: 1000, repeats: 1 });
});

describe.skipIf(!tfjsLoads)('real trainings', () => {
  const big = nasbench101.cells().filter((cell) => verticesOf(cell) === 7);
  const cells = [big[150_000]!, big.at(-1)!];
  const figures = ({ seconds, ...rest }: { seconds: number }) => rest;

  it('of cells of 7 vertices are the same from whatever process, also one that had to begin again', async () => {
    const at = folders();
    const text = `idx:${at.data},${small},repeats=2`;
    const one = await openLive(parseLive(`${text},cache=${at.cache},workers=1`));
    const alone = [];
    for (const cell of cells) alone.push(await one.lookup(cell));
    await one.close!();
    const plan = networkPlan(cells[0]!, {
      imageChannels: 1,
      channels: 8,
      stacks: 2,
      cellsAStack: 1,
      classes: 4,
    });
    expect(alone[0]!.parameters).toBe(parameterCount(plan));
    expect(alone.every(({ seconds }) => seconds > 0)).toBe(true);
    expect(new Set(alone.map(({ test }) => test.join())).size).toBeGreaterThan(1);

    // Other processes, another order, and one of them is killed in the middle of a training.
    const onCrash = vi.fn();
    const executor = trainingProcesses({ slots: 2, onCrash });
    const two = await openLive(parseLive(`${text},cache=${at.cache}-2`), { executor });
    onTestFinished(() => two.close!());
    const found = cells.toReversed().map((cell) => two.lookup(cell));
    process.kill(executor.pids[1]!, 'SIGKILL');
    const together = (await Promise.all(found)).toReversed();
    expect(together.map(figures)).toEqual(alone.map(figures));
    expect(onCrash).toHaveBeenCalledOnce();
  });

  it('of the defaults are those of the embedded benchmark', async () => {
    const embedded = await openBenchmark(embeddedBenchmark);
    const benchmark = await openBenchmark(`live:mnist,cache=${temporaryFolder()},workers=1`);
    onTestFinished(() => benchmark.close!());
    const cell = embedded.list!()[700]!;
    const [expected, found] = await Promise.all([embedded.lookup(cell), benchmark.lookup(cell)]);
    expect(found.parameters).toBe(expected.parameters);
    // Equal to the bit on the processor that the table was made on; others round differently, which 30 steps amplify.
    expect(found.test[0]).toBeCloseTo(expected.test[0]!, 1);
  });

  it('learn from colours: a folder in the form of CIFAR-10', async () => {
    const data = writeCifar10Folder(join(temporaryFolder(), 'cifar'), 60, 100);
    const params = `cache=${temporaryFolder()},images=200,validation=100,test=100,batch=20,epochs=8,channels=8,stacks=2`;
    const benchmark = await openLive(parseLive(`cifar10:${data},${params}`));
    onTestFinished(() => benchmark.close!());
    expect((await benchmark.lookup(cells[0]!)).test[0]).toBeGreaterThan(0.5);
  });

  it('say that they need tfjs-node where it does not load; what is in the cache needs none', async () => {
    const at = folders();
    const { benchmark } = await open('', at);
    await benchmark.lookup(first);
    const hook = `export const resolve = (name, context, next) => name.includes('tfjs-node') ? Promise.reject(new Error('no such library')) : next(name, context)`;
    const loader = join(temporaryFolder(), 'without.mjs');
    writeFileSync(
      loader,
      `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`,
    );
    vi.stubEnv('NODE_OPTIONS', `--import ${loader}`);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const without = await openLive(parseLive(`idx:${at.data},cache=${at.cache},${small},workers=1`));
    onTestFinished(() => without.close!());
    expect((await without.lookup(first)).test).toEqual([0.25]);
    await expect(without.lookup(second)).rejects.toMatchObject({
      exitCode: 1,
      message: 'training needs tfjs-node: tfjs-node cannot be loaded: no such library',
    });
    expect(existsSync(at.cache)).toBe(true);
  });
});
