import { expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { expectedImprovement, GaussianProcess } from '../../../src/core/search/gaussianProcess.js';
import { normalCdf } from '../../../src/core/statistics/normal.js';

const random = stream(1, 'process');
const points = (rows: number) => ({
  width: 2,
  values: Float64Array.from({ length: 2 * rows }, () => random.float()),
});
const truth = (x: number, y: number) => Math.sin(4 * x) + Math.cos(3 * y);
const truths = ({ values }: { values: Float64Array }) =>
  Float64Array.from({ length: values.length / 2 }, (_, i) => truth(values[2 * i]!, values[2 * i + 1]!));

it('learns a smooth function, and says how sure it is', () => {
  const known = points(80);
  const process = new GaussianProcess(known, truths(known));
  const asked = points(200);
  const means = process.means(asked);
  const truthOf = truths(asked);
  const error = Math.sqrt(means.reduce((sum, mean, i) => sum + (mean - truthOf[i]!) ** 2, 0) / 200);
  expect(error).toBeLessThan(0.1);
  expect(process.predict(asked, 3).mean).toBeCloseTo(means[3]!, 12);

  const far = { width: 2, values: Float64Array.from([5, 5]) };
  expect(process.predict(far, 0).deviation).toBeGreaterThan(3 * process.predict(known, 0).deviation);
});

it('survives rows that are equal', () => {
  const values = new Float64Array(20).fill(0.5);
  const process = new GaussianProcess(
    { width: 2, values },
    Float64Array.from({ length: 10 }, (_, i) => i - 4.5),
  );
  expect(Number.isFinite(process.predict({ width: 2, values }, 0).mean)).toBe(true);
});

it('expected improvement is the integral of max(value − best, 0)', () => {
  const prediction = { mean: 0.3, deviation: 0.7 };
  const best = 0.6;
  let integral = 0;
  for (let z = -8; z < 8; z += 0.001) {
    const mass = normalCdf(z + 0.001) - normalCdf(z);
    integral += Math.max(prediction.mean + prediction.deviation * (z + 0.0005) - best, 0) * mass;
  }
  expect(expectedImprovement(prediction, best)).toBeCloseTo(integral, 4);
});
