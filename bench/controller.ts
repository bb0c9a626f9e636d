import { nasbench101Controller as config } from '../src/core/controller/config.js';
import { initialWeights } from '../src/core/controller/weights.js';
import { EmbeddingBatch } from '../src/core/distances/index.js';
import type { Controller, EngineName } from '../src/core/engine/engine.js';
import { openEngine } from '../src/core/engine/index.js';
import { losses, openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { stream } from '../src/core/random/random.js';
import { NO_CELL, openSpace } from '../src/core/space/index.js';

export interface ControllerTiming {
  /** What was timed, as in `pretrain/TripletMargin/512`. */
  work: string;
  engine: EngineName;
  threads: number;
  /** Milliseconds. */
  min: number;
  median: number;
  iterations: number;
}

/** One thing to time: `prepare` once, and what it gives again and again. Weights stay as they are (learning rate 0). */
export interface ControllerWork {
  name: string;
  prepare(controller: Controller): Promise<() => Promise<unknown>>;
}

const space = openSpace('nasbench101');

/** A pretraining batch: classes of an anchor and seven positives of it. */
export function pretrainingBatch(rows: number, classSize = 8) {
  const tokens = new Int32Array(rows * space.sequenceLength);
  const labels = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / classSize));
  for (let row = 0; row < rows; row++) {
    const anchor = space.sample(stream(1, 'bench', 'anchor', labels[row]!));
    const cell = row % classSize === 0 ? anchor : space.mutate(anchor, stream(1, 'bench', 'positive', row));
    space.encode(cell, tokens, row * space.sequenceLength);
  }
  return { tokens, labels };
}

/** Tokens of random cells. */
export function randomCells(rows: number): Int32Array {
  const random = stream(1, 'bench', 'cells');
  const tokens = new Int32Array(rows * space.sequenceLength);
  for (let row = 0; row < rows; row++) space.encode(space.sample(random), tokens, row * space.sequenceLength);
  return tokens;
}

/** Encode, mine, loss, backward, SGD. */
function pretrain(lossName: string, rows: number): ControllerWork {
  return {
    name: `pretrain/${lossName}/${rows}`,
    async prepare(controller) {
      const { tokens, labels } = pretrainingBatch(rows);
      const loss = openLoss(lossName);
      const { miner, weight } = loss.spec.experiment;
      const tuples = openMiner(miner.name, miner.params);
      const batch = new EmbeddingBatch();
      return async () => {
        const activations = await controller.encode(tokens);
        const step = { learningRate: 0 };
        if (weight === 0) await controller.pretrainStep(activations, step);
        else {
          batch.load(activations.embeddings, labels);
          const { gradient } = loss.evaluate(batch, tuples.mine(batch));
          for (let i = 0; i < gradient.length; i++) gradient[i]! *= weight;
          await controller.pretrainStep(activations, { ...step, metricGradient: gradient });
        }
        activations.dispose();
      };
    },
  };
}

const search: ControllerWork = {
  name: 'search/64',
  async prepare(controller) {
    const tokens = randomCells(64);
    const random = stream(1, 'bench', 'targets');
    const step = { targets: Float32Array.from({ length: 64 }, () => random.float()), tradeoff: 0.5 };
    return () => controller.searchStep(tokens, { ...step, learningRate: 0, clipNorm: 5 });
  },
};

/** NAO's move of 128 seeds, greedy decoding, validity, and what is new to a pool of 1,000. */
const propose: ControllerWork = {
  name: 'propose/128',
  async prepare(controller) {
    const tokens = randomCells(128);
    const random = stream(1, 'bench', 'pool');
    const pool = new Set(Array.from({ length: 1000 }, () => space.sample(random)));
    return async () => {
      const { decoded } = await controller.propose(tokens, 1);
      const found = new Set<number>();
      for (let at = 0; at < decoded.length; at += space.sequenceLength) {
        const cell = space.decode(decoded, at);
        if (cell === NO_CELL) continue;
        const canonical = space.canonical(cell);
        if (!pool.has(canonical)) found.add(canonical);
      }
      return found;
    };
  },
};

const embed: ControllerWork = {
  name: 'embed/512',
  async prepare(controller) {
    const tokens = randomCells(512);
    return () => controller.embed(tokens);
  },
};

/** What issue-level claims about an engine rest on. */
export const controllerWorks: readonly ControllerWork[] = [
  ...losses.map(({ name, experiment }) => pretrain(name, experiment.batch)),
  search,
  propose,
  embed,
];

/** Times the works whose names contain `only`, each after a warm-up, on one engine. */
export async function measureController(
  engineName: EngineName,
  { threads = 1, only = '', iterations = 50, works = controllerWorks } = {},
): Promise<ControllerTiming[]> {
  const engine = await openEngine(engineName, { threads });
  const controller = await engine.controller(config, initialWeights(config, 1));
  const timings: ControllerTiming[] = [];
  for (const { name, prepare } of works) {
    if (!name.includes(only)) continue;
    const run = await prepare(controller);
    const times: number[] = [];
    for (let i = -Math.ceil(iterations / 5); i < iterations; i++) {
      const start = performance.now();
      await run();
      if (i >= 0) times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    timings.push({
      work: name,
      engine: engine.name,
      threads: engine.threads,
      min: times[0]!,
      median: times[times.length >> 1]!,
      iterations,
    });
  }
  await engine.dispose();
  return timings;
}
