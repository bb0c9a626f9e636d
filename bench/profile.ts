import { lastValueFrom, of } from 'rxjs';
import { anchorBatch, labelsOf, tokensOf } from '../src/core/batch/index.js';
import { nasbench101Controller as config } from '../src/core/controller/config.js';
import { initialWeights } from '../src/core/controller/weights.js';
import { EmbeddingBatch } from '../src/core/distances/index.js';
import type { EngineName } from '../src/core/engine/engine.js';
import { openEngine } from '../src/core/engine/index.js';
import { embeddingHealth } from '../src/core/losses/health.js';
import { openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { openSpace } from '../src/core/space/index.js';
import { batch as regroup } from '../src/operators/batch.js';
import { mutate } from '../src/operators/mutate.js';
import { sorted } from './work.js';

export const STAGES = ['produce', 'encode', 'mine', 'loss', 'health', 'step'] as const;

/**
 * Milliseconds of the stages of one pretraining step, with the miner and batch of the loss's experiment: drawing and encoding the batch's
 * cells, the encoder's forward pass, distances and mining, loss and gradient, spread and rank, and decoder, backward pass and SGD.
 * `encode` and `step` are the engine's.
 */
export async function profile(
  engineName: EngineName,
  lossName: string,
  { threads = 1, iterations = 50 } = {},
): Promise<Record<(typeof STAGES)[number], { min: number; median: number }>> {
  const engine = await openEngine(engineName, { threads });
  const controller = await engine.controller(config, initialWeights(config, 1));
  const loss = openLoss(lossName);
  const { miner, batch: rows } = loss.spec.experiment;
  const tuples = openMiner(miner.name, miner.params);
  const batch = new EmbeddingBatch();
  const space = openSpace('nasbench101');
  const anchors = anchorBatch(space.cells().slice(-rows / 8));
  const times: number[][] = STAGES.map(() => []);
  try {
    for (let i = -10; i < iterations; i++) {
      const marks = [performance.now()];
      const mark = () => marks.push(performance.now());
      const cells = await lastValueFrom(
        of(anchors).pipe(
          mutate({ space, seed: 1, samplesPerClass: 8, firstStep: i + 10 }),
          regroup({ rows }),
        ),
      );
      mark();
      const activations = await controller.encode(tokensOf(cells));
      mark();
      const selection = tuples.mine(batch.load(activations.embeddings, labelsOf(cells)));
      mark();
      const { gradient } = loss.evaluate(batch, selection);
      mark();
      embeddingHealth(batch);
      mark();
      await controller.pretrainStep(activations, { learningRate: 0, metricGradient: gradient });
      mark();
      activations.dispose();
      if (i >= 0) for (const [s, stage] of times.entries()) stage.push(marks[s + 1]! - marks[s]!);
    }
  } finally {
    controller.dispose();
    await engine.dispose();
  }
  return Object.fromEntries(
    STAGES.map((name, s) => {
      const all = sorted(times[s]!);
      return [name, { min: all[0]!, median: all[all.length >> 1]! }];
    }),
  ) as Awaited<ReturnType<typeof profile>>;
}
