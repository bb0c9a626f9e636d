import { expect, test } from 'vitest';
import { initialWeights } from '../../../../src/core/controller/weights.js';
import { createTfjsEngine } from '../../../../src/core/engine/tfjs/index.js';
import { stream } from '../../../../src/core/random/random.js';
import { loadableEngines } from '../../../support/engines.js';
import { ReferenceController } from '../../../support/referenceController.js';

/** Sizes that the simd kernels do not take: greedy decoding goes op by op. */
const config = { vocabulary: 5, length: 6, dim: 6, predictor: 7 };
const loads = loadableEngines.some(([name]) => name === 'tfjs');

test.skipIf(!loads).each([1, 2])('sizes that are no multiples of 4, %i threads', async (threads) => {
  const weights = initialWeights(config, 3);
  const random = stream(1, 'odd sizes');
  const tokens = Int32Array.from({ length: 19 * config.length }, () => random.int(config.vocabulary));
  const reference = new ReferenceController(config, weights);
  const engine = await createTfjsEngine({ threads });
  const controller = await engine.controller(config, weights);
  const expected = { ...reference.reconstruct(tokens), moved: reference.propose(tokens, 2) };
  expect(Math.min(...expected.margins, ...expected.moved.margins)).toBeGreaterThan(1e-4);
  expect([...(await controller.reconstruct(tokens))]).toEqual(expected.decoded);
  expect([...(await controller.propose(tokens, 2)).decoded]).toEqual(expected.moved.decoded);
  await engine.dispose();
});
