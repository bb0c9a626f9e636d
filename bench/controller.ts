import { EmbeddingBatch } from '../src/core/distances/index.js';
import type { Controller } from '../src/core/engine/engine.js';
import { losses, openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { stream } from '../src/core/random/random.js';
import { NO_CELL, openSpace } from '../src/core/space/index.js';
import type { Work } from './work.js';

const space = openSpace('nasbench101');

/** A pretraining batch: classes of an anchor and its positives. */
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

/** Sequences as the peer takes them. */
export const sequences = (tokens: Int32Array): number[][] =>
  Array.from({ length: tokens.length / space.sequenceLength }, (_, row) => [
    ...tokens.subarray(row * space.sequenceLength, (row + 1) * space.sequenceLength),
  ]);

/** Encode, mine, loss, backward, SGD. Weights stay as they are (learning rate 0), so that every iteration does the same. */
export function pretrain(lossName: string, rows: number, classSize = 8): Work<Controller> {
  return {
    name: `pretrain/${lossName}/${rows}`,
    peer() {
      const { tokens, labels } = pretrainingBatch(rows, classSize);
      return { kind: 'pretrain', loss: lossName, tokens: sequences(tokens), labels: [...labels] };
    },
    async prepare(controller) {
      const { tokens, labels } = pretrainingBatch(rows, classSize);
      const loss = openLoss(lossName);
      const { miner, weight } = loss.spec.experiment;
      const tuples = openMiner(miner.name, miner.params);
      const batch = new EmbeddingBatch();
      return async () => {
        const activations = await controller.encode(tokens);
        const step = { learningRate: 0 };
        try {
          if (weight === 0) {
            const { reconstruction } = await controller.pretrainStep(activations, step);
            return { reconstruction, metric: 0, mined: 0 };
          }
          batch.load(activations.embeddings, labels);
          const { gradient, value, mined } = loss.evaluate(batch, tuples.mine(batch));
          for (let i = 0; i < gradient.length; i++) gradient[i]! *= weight;
          const { reconstruction } = await controller.pretrainStep(activations, {
            ...step,
            metricGradient: gradient,
          });
          return { reconstruction, metric: value, mined };
        } finally {
          activations.dispose();
        }
      };
    },
  };
}

const targets = (rows: number) => {
  const random = stream(1, 'bench', 'targets');
  return Float32Array.from({ length: rows }, () => random.float());
};

const search: Work<Controller> = {
  name: 'search/64',
  peer: () => ({ kind: 'search', tokens: sequences(randomCells(64)), targets: [...targets(64)] }),
  async prepare(controller) {
    const tokens = randomCells(64);
    const step = { targets: targets(64), tradeoff: 0.5, learningRate: 0, clipNorm: 5 };
    return async () => {
      const { mse, reconstruction, gradientNorm } = await controller.searchStep(tokens, step);
      return { mse, reconstruction, gradientNorm };
    };
  },
};

const queried = () => {
  const random = stream(1, 'bench', 'pool');
  return Uint32Array.from({ length: 1000 }, () => space.sample(random));
};

/** NAO's move of 128 seeds, greedy decoding, validity, and what is new to a pool of 1,000. */
const propose: Work<Controller> = {
  name: 'propose/128',
  peer() {
    const cells = queried();
    const pool = new Int32Array(cells.length * space.sequenceLength);
    for (const [row, cell] of cells.entries()) space.encode(cell, pool, row * space.sequenceLength);
    return { kind: 'propose', step: 1, tokens: sequences(randomCells(128)), pool: sequences(pool) };
  },
  async prepare(controller) {
    const tokens = randomCells(128);
    const pool = new Set(queried());
    return async () => {
      const { decoded } = await controller.propose(tokens, 1);
      const found = new Set<number>();
      let valid = 0;
      for (let at = 0; at < decoded.length; at += space.sequenceLength) {
        const cell = space.decode(decoded, at);
        if (cell === NO_CELL) continue;
        valid++;
        const canonical = space.canonical(cell);
        if (!pool.has(canonical)) found.add(canonical);
      }
      return { valid };
    };
  },
};

const embed: Work<Controller> = {
  name: 'embed/512',
  peer: () => ({ kind: 'embed', tokens: sequences(randomCells(512)) }),
  async prepare(controller) {
    const tokens = randomCells(512);
    return async () => void (await controller.embed(tokens));
  },
};

/** What a controller does on an engine: a pretraining step of every loss's experiment, and the parts of a search. */
export const controllerWorks: readonly Work<Controller>[] = [
  ...losses.map(({ name, experiment }) => pretrain(name, experiment.batch)),
  search,
  propose,
  embed,
];
