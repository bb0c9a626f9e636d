/**
 * node [flags] weightsHash.mjs <threads>: trains the compiled engine for 200 steps from a fixed seed and prints the hash of
 * the weights. All that goes in is made by additions and multiplications, which every machine rounds alike.
 * node weightsHash.mjs inputs: prints what goes in, as JSON, for weightsHash.py.
 */
import { createHash } from 'node:crypto';
import { nasbench101Controller as config } from '../../../../dist/core/controller/config.js';
import { flatten, parameterCount, unflatten } from '../../../../dist/core/controller/weights.js';
import { createSimdEngine } from '../../../../dist/core/engine/simd/index.js';
import { stream } from '../../../../dist/core/random/random.js';

const rows = 43;
const steps = 200;
const random = stream(1, 'weights hash');
const uniform = (count, bound) =>
  Float32Array.from({ length: count }, () => (2 * random.float() - 1) * bound);
const tokens = Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
const targets = Float32Array.from({ length: rows }, () => random.float());
const metricGradient = uniform(rows * config.dim, 1 / rows);
const initial = uniform(parameterCount(config), 0.3);
const search = { tradeoff: 0.5, learningRate: 0.1, clipNorm: 0.1 };
const pretrain = { learningRate: 0.5 };

if (process.argv[2] === 'inputs') {
  const arrays = { tokens, targets, metricGradient, weights: initial };
  const lists = Object.entries(arrays).map(([name, values]) => [name, [...values]]);
  console.log(JSON.stringify({ config, steps, search, pretrain, ...Object.fromEntries(lists) }));
} else {
  const engine = await createSimdEngine({ threads: Number(process.argv[2]) });
  const controller = await engine.controller(config, unflatten(config, initial));
  for (let step = 0; step < steps; step++) {
    if (step % 2) {
      await controller.searchStep(tokens, { targets, ...search });
    } else {
      const activations = await controller.encode(tokens);
      await controller.pretrainStep(activations, { metricGradient, ...pretrain });
      activations.dispose();
    }
  }
  const weights = flatten(config, await controller.weights());
  if (!weights.every(Number.isFinite)) throw new Error('the weights are not finite');
  console.log(createHash('sha256').update(weights).digest('hex'));
  await engine.dispose();
}
