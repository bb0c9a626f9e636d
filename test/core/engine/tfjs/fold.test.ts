import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flatten, initialWeights, unflatten, weightViews } from '../../../../src/core/controller/weights.js';
import {
  type Folded,
  type FoldedName,
  fold,
  foldedShapes,
  unfoldGradients,
} from '../../../../src/core/engine/tfjs/fold.js';
import { stream } from '../../../../src/core/random/random.js';

const configs = fc.record({
  vocabulary: fc.integer({ min: 2, max: 9 }),
  length: fc.constant(3),
  dim: fc.integer({ min: 1, max: 6 }),
  predictor: fc.integer({ min: 1, max: 7 }),
});

describe('fold', () => {
  test('has the shapes that it states', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const shapes = foldedShapes(config);
        const folded = fold(config, initialWeights(config, 1));
        expect(Object.keys(folded)).toEqual(Object.keys(shapes));
        for (const name of Object.keys(shapes) as FoldedName[]) {
          expect(folded[name].length, name).toBe(shapes[name].reduce((a, b) => a * b, 1));
        }
      }),
    );
  });

  test('unfoldGradients is the transpose of its derivative', () => {
    fc.assert(
      fc.property(configs, fc.integer({ min: 0, max: 1000 }), (config, seed) => {
        const random = stream(seed, 'fold');
        const weights = initialWeights(config, seed);
        const flat = flatten(config, weights);
        const direction = flat.map(() => random.normal());
        const at = (distance: number) =>
          fold(
            config,
            unflatten(
              config,
              flat.map((value, i) => value + distance * direction[i]!),
            ),
          );
        const folded = at(0);
        const names = Object.keys(folded) as FoldedName[];
        const gradient = Object.fromEntries(
          names.map((name) => [name, folded[name].map(() => random.normal())]),
        ) as unknown as Folded<Float32Array>;
        const along = (values: Folded<Float32Array>) =>
          names.reduce(
            (sum, name) => sum + gradient[name].reduce((s, g, i) => s + g * values[name][i]!, 0),
            0,
          );

        const unfolded = new Float32Array(flat.length);
        unfoldGradients(config, weights, gradient, weightViews(config, unfolded));
        const slope = unfolded.reduce((sum, value, i) => sum + value * direction[i]!, 0);
        const step = 0.05;
        // fold is quadratic in the weights, so that the central difference is exact up to float32.
        const measured = (along(at(step)) - along(at(-step))) / (2 * step);
        const size = Math.hypot(...unfolded) * Math.hypot(...direction);
        expect(Math.abs(measured - slope)).toBeLessThan(1e-4 * (1 + size));
      }),
    );
  });

  test('absent gradients are zero', () => {
    const config = { vocabulary: 3, length: 3, dim: 2, predictor: 4 };
    const gradient = new Float32Array(flatten(config, initialWeights(config, 1)).length);
    const bias = Float32Array.of(1, 2, 3);
    unfoldGradients(config, initialWeights(config, 1), { logitsBias: bias }, weightViews(config, gradient));
    expect(weightViews(config, gradient)['decoder.out.bias']).toEqual(bias);
    expect(gradient.filter((value) => value !== 0)).toEqual(bias);
  });
});
