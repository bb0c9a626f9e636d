import { nasbench101Controller as config } from '../src/core/controller/config.js';
import { initialWeights } from '../src/core/controller/weights.js';
import type { Controller, EngineName } from '../src/core/engine/engine.js';
import { openEngine } from '../src/core/engine/index.js';
import { pretrain } from './controller.js';
import { runTask } from './task.js';
import { contestant, exponent, inTurns, type Work } from './work.js';

/** How a cost grows with a size. */
export interface Growth {
  what: string;
  engine: EngineName;
  threads: number;
  /** Milliseconds of processor time (of the clock for cells of the space), and MiB. */
  points: { size: number; ms: number; peakMiB?: number }[];
  /** b of time = a·size^b, fitted to the points. */
  exponent: number;
}

const BATCHES = [64, 128, 256, 512, 1024, 2048];
const CLASS_SIZES = [2, 4, 8, 16, 32];
/** Cells of at most 4, 5, 6 and 7 vertices, less what fills no batch. */
const CELLS = [91, 2532, 64_542, 423_624];

/** Milliseconds of processor time of a step with MultiSimilarity against rows, class size and cells of the space; peak memory against rows. */
export async function growth(
  engineName: EngineName,
  { iterations = 50, memorySteps = 30, onGrowth = (_: Growth) => {} } = {},
): Promise<Growth[]> {
  const results: Growth[] = [];
  const add = (what: string, points: Growth['points']) => {
    const result = { what, engine: engineName, threads: 1, points, exponent: exponent(points) };
    onGrowth(result);
    results.push(result);
  };

  const engine = await openEngine(engineName, { threads: 1 });
  const controller = await engine.controller(config, initialWeights(config, 1));
  const least = async (works: Work<Controller>[]) => {
    const contestants = [];
    for (const work of works) contestants.push(contestant(await work.prepare(controller)));
    return (
      await inTurns(
        contestants,
        works.map(() => iterations),
      )
    ).map(({ cpu }) => cpu);
  };
  const byBatch = await least(BATCHES.map((rows) => pretrain('MultiSimilarity', rows)));
  const byClass = await least(CLASS_SIZES.map((size) => pretrain('MultiSimilarity', 512, size)));
  controller.dispose();
  await engine.dispose();

  const task = {
    task: 'pretrain',
    loss: 'MultiSimilarity',
    engine: engineName,
    threads: 1,
    steps: memorySteps,
  } as const;
  const points: Growth['points'] = [];
  for (const [i, size] of BATCHES.entries()) {
    const { peakMiB } = await runTask({ ...task, batch: size });
    points.push({ size, ms: byBatch[i]!, peakMiB });
  }
  add('rows of a batch', points);
  add(
    'class size, batch 512',
    CLASS_SIZES.map((size, i) => ({ size, ms: byClass[i]! })),
  );

  const byCells: Growth['points'] = [];
  for (const cells of CELLS) {
    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(await runTask({ ...task, batch: 512, cells }));
    byCells.push({
      size: cells,
      ms: Math.min(...runs.map(({ stepMs }) => stepMs)),
      peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
    });
  }
  add('cells of the space, whole pipeline', byCells);
  return results;
}
