import { expect, test } from 'vitest';
import { type ControllerConfig, nasbench101Controller } from '../../../../src/core/controller/config.js';
import { flatten, initialWeights } from '../../../../src/core/controller/weights.js';
import { GreedyDecoder } from '../../../../src/core/engine/simd/greedyDecoder.js';
import { loadModule } from '../../../../src/core/engine/simd/module.js';
import { stream } from '../../../../src/core/random/random.js';
import { ReferenceController } from '../../../support/referenceController.js';

/** Below this gap between the two best logits, float32 may decode another token. */
const SAFE_MARGIN = 1e-3;

const decoder = new GreedyDecoder(await loadModule());

/** One decoder for all: it keeps no shape. */
test.each<[string, ControllerConfig, number]>([
  ['nasbench101', nasbench101Controller, 11],
  ['small, one row', { vocabulary: 5, length: 6, dim: 4, predictor: 8 }, 1],
  ['nasbench201', { vocabulary: 8, length: 35, dim: 16, predictor: 64 }, 3],
])('%s: decodes given encoder outputs as the reference does', (_, config, rows) => {
  const weights = initialWeights(config, 3);
  const random = stream(1, 'decoder', config.length);
  const tokens = Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
  const reference = new ReferenceController(config, weights);
  const outputs = Float32Array.from(reference.outputs(tokens));
  const embeddings = Float32Array.from(reference.embed(tokens));
  const { decoded, margins } = reference.reconstruct(tokens);
  const found = decoder.decode(config, flatten(config, weights), outputs, embeddings);
  expect(found.length).toBe(decoded.length);
  for (const [row, margin] of margins.entries()) {
    if (margin < SAFE_MARGIN) continue;
    const cell = [row * config.length, (row + 1) * config.length] as const;
    expect([...found.subarray(...cell)], `row ${row}`).toEqual(decoded.slice(...cell));
  }
});

test('takes multiples of 4', () => {
  expect(GreedyDecoder.takes(nasbench101Controller)).toBe(true);
  expect(GreedyDecoder.takes({ ...nasbench101Controller, dim: 6 })).toBe(false);
  expect(GreedyDecoder.takes({ ...nasbench101Controller, predictor: 30 })).toBe(false);
});
