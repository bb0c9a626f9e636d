import { EmbeddingBatch } from '../src/core/distances/index.js';
import { losses, openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { stream } from '../src/core/random/random.js';

export interface LossTiming {
  loss: string;
  miner: string;
  rows: number;
  /** Tuples mined. */
  mined: number;
  /** Milliseconds of normalising, mining, loss and gradient together, and of mining alone (with what distances it needs). */
  min: number;
  median: number;
  mining: number;
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

/** Times every loss with the miner and batch of its experiment, or only those named, on one thread. */
export function measureLosses({ only = [] as string[], iterations = 50, noise = 0.8 } = {}): LossTiming[] {
  return losses
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .map((spec) => {
      const { miner, batch: rows } = spec.experiment;
      const { labels, values } = embeddings(rows, 16, 8, noise);
      const mine = openMiner(miner.name, miner.params);
      const loss = openLoss(spec.name);
      const batch = new EmbeddingBatch();
      const whole: number[] = [];
      const mining: number[] = [];
      let mined = 0;
      for (let i = 0; i < iterations + 20; i++) {
        const start = performance.now();
        const selection = mine.mine(batch.load(values, labels));
        const middle = performance.now();
        mined = loss.evaluate(batch, selection).mined;
        if (i < 20) continue;
        whole.push(performance.now() - start);
        mining.push(middle - start);
      }
      whole.sort((x, y) => x - y);
      return {
        loss: spec.name,
        miner: miner.name,
        rows,
        mined,
        min: whole[0]!,
        median: whole[whole.length >> 1]!,
        mining: Math.min(...mining),
      };
    });
}
