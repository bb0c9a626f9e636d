import { EmbeddingBatch } from '../src/core/distances/index.js';
import { losses, openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { stream } from '../src/core/random/random.js';
import type { Work } from './work.js';

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
