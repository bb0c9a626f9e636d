import { EmbeddingBatch, embeddingGradient } from '../src/core/distances/index.js';
import { losses, openLoss } from '../src/core/losses/index.js';
import { openMiner, type Selection } from '../src/core/miners/index.js';
import { stream } from '../src/core/random/random.js';
import type { Work } from './work.js';

/** Time of one stage of a loss: shortest wall time, and processor time of the process on average, ms. */
export interface Stage {
  stage: string;
  ms: number;
  cpuMs: number;
}

/** Embeddings like those at the start of training: classes of `size` around `rows / size` centres, spread `noise` of theirs. */
export function embeddings(rows: number, dim = 16, size = 8, noise = 0.8) {
  const random = stream(1, 'bench', 'losses', rows);
  const labels = Int32Array.from({ length: rows }, (_, i) => Math.floor(i / size));
  const values = new Float32Array(rows * dim);
  for (let first = 0; first < rows; first += size) {
    const centre = Array.from({ length: dim }, () => random.normal());
    for (let i = first; i < Math.min(rows, first + size); i++) {
      for (let d = 0; d < dim; d++) values[i * dim + d] = centre[d]! + noise * random.normal();
    }
  }
  return { labels, values };
}

/** Normalising, mining, loss and gradient of every loss with the miner and batch of its experiment, without a controller. */
export const lossWorks: readonly Work[] = losses
  .filter(({ experiment }) => experiment.weight > 0)
  .map(({ name, experiment: { miner, batch: rows } }) => ({
    name: `loss/${name}/${rows}`,
    async prepare() {
      const { labels, values } = embeddings(rows);
      const mine = openMiner(miner.name, miner.params);
      const loss = openLoss(name);
      const batch = new EmbeddingBatch();
      return () => loss.evaluate(batch, mine.mine(batch.load(values, labels)));
    },
  }));

/**
 * A loss's stages, each on its own, with the miner and batch of its experiment: normalising, the distances' matrix, mining, the loss with
 * its gradient, and of that the way from the weights of all pairs back to the embeddings (weights dense).
 */
export function lossStages(name: string, iterations: number): Stage[] {
  const loss = openLoss(name);
  const { miner, batch: rows } = loss.spec.experiment;
  const { labels, values } = embeddings(rows);
  const mine = openMiner(miner.name, miner.params);
  const { distance } = loss.spec.create(loss.spec.params.parse({}));
  const batch = new EmbeddingBatch();
  const weights = batch.scratch(batch).matrix('weights', rows, rows);
  for (let i = 0; i < rows * rows; i++) weights[i] = Math.sin(i);
  const gradient = new Float64Array(values.length);
  let selection: Selection;
  const stages: Record<string, () => unknown> = {
    normalise: () => batch.load(values, labels),
    matrix: () => distance.matrix(batch),
    mine: () => {
      selection = mine.mine(batch);
    },
    loss: () => loss.evaluate(batch, selection),
    'of it gradient': () =>
      embeddingGradient(batch, distance, weights, { positive: 1, negative: 1 }, gradient),
  };
  const times = Object.keys(stages).map((stage) => ({ stage, ms: Number.POSITIVE_INFINITY, cpuMs: 0 }));
  const warmUp = Math.ceil(iterations / 4);
  for (let i = -warmUp; i < iterations; i++) {
    for (const time of times) {
      const start = performance.now();
      const cpu = process.cpuUsage();
      stages[time.stage]!();
      const { user, system } = process.cpuUsage(cpu);
      if (i < 0) continue;
      time.ms = Math.min(time.ms, performance.now() - start);
      time.cpuMs += (user + system) / 1000 / iterations;
    }
  }
  return times;
}
