/**
 * node [flags] relaxed.mjs: the engine simd-relaxed beside simd on random cells, as JSON: largest differences of gradients (as a share of
 * the largest) and predictions, and the hashes of the weights after some steps on one, two and three threads.
 */
import { createHash } from 'node:crypto';
import { nasbench101Controller as config } from '../../../../dist/core/controller/config.js';
import { flatten, initialWeights } from '../../../../dist/core/controller/weights.js';
import { createRelaxedSimdEngine, createSimdEngine } from '../../../../dist/core/engine/simd/index.js';
import { stream } from '../../../../dist/core/random/random.js';

const rows = 43;
const random = stream(1, 'relaxed');
const tokens = Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
const targets = Float32Array.from({ length: rows }, () => random.float());
const weights = initialWeights(config, 1);

async function onEngine(create, threads, work) {
  const engine = await create({ threads });
  const result = await work(await engine.controller(config, weights));
  await engine.dispose();
  return result;
}
const values = async (controller) => ({
  gradients: flatten(config, await controller.searchGradients(tokens, targets, 0.5)),
  predictions: await controller.predict(tokens),
});
const hash = async (controller) => {
  for (let step = 0; step < 10; step++) {
    await controller.searchStep(tokens, { targets, tradeoff: 0.5, learningRate: 0.1, clipNorm: 0.1 });
  }
  return createHash('sha256')
    .update(flatten(config, await controller.weights()))
    .digest('hex');
};
const difference = (a, b) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / Math.max(...b.map((x) => Math.abs(x)));

const [relaxed, exact] = [
  await onEngine(createRelaxedSimdEngine, 1, values),
  await onEngine(createSimdEngine, 1, values),
];
console.log(
  JSON.stringify({
    gradients: difference(relaxed.gradients, exact.gradients),
    predictions: difference(relaxed.predictions, exact.predictions),
    hashes: [
      await onEngine(createRelaxedSimdEngine, 1, hash),
      await onEngine(createRelaxedSimdEngine, 2, hash),
      await onEngine(createRelaxedSimdEngine, 3, hash),
    ],
  }),
);
