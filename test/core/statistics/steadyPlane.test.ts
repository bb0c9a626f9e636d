import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { SteadyPlane } from '../../../src/core/statistics/steadyPlane.js';

const [rows, dim] = [60, 6];

/** Points that vary most along some of the axes. */
function cloud(seed: number): Float32Array {
  const random = stream(seed, 'test');
  const sizes = Array.from({ length: dim }, (_, d) => 1 / (1 + d));
  return Float32Array.from({ length: rows * dim }, (_, i) => sizes[i % dim]! * (random.float() - 0.5));
}

const distance = (places: Float32Array, a: number, b: number) =>
  Math.hypot(places[2 * a]! - places[2 * b]!, places[2 * a + 1]! - places[2 * b + 1]!);

/** Root mean square of how far places have moved. */
const moved = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / (a.length / 2));

/** The points with the coordinates of some pairs of axes turned, one axis mirrored, and all shifted: the same cloud, elsewhere. */
function elsewhere(points: Float32Array, angle: number): Float32Array {
  const turned = points.slice();
  for (let at = 0; at < points.length; at += dim) {
    for (let d = 0; d + 1 < dim; d++) {
      const [x, y] = [turned[at + d]!, turned[at + d + 1]!];
      turned[at + d] = Math.cos(angle) * x - Math.sin(angle) * y;
      turned[at + d + 1] = Math.sin(angle) * x + Math.cos(angle) * y;
    }
    turned[at] = -turned[at]!;
  }
  return turned.map((value) => value + 3);
}

it('shows points where they vary most: a cloud in a plane keeps its distances', () => {
  const flat = cloud(1).map((value, i) => (i % dim < 2 ? value : 0));
  const places = new SteadyPlane(dim).next(elsewhere(flat, 0.7));
  for (let row = 1; row < rows; row++) {
    const real = Math.hypot(flat[row * dim]! - flat[0]!, flat[row * dim + 1]! - flat[1]!);
    expect(distance(places, 0, row)).toBeCloseTo(real, 5);
  }
});

it('does not move what is only turned, mirrored or shifted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      (seed, angle) => {
        const plane = new SteadyPlane(dim);
        const before = plane.next(cloud(seed));
        expect(moved(plane.next(elsewhere(cloud(seed), angle)), before)).toBeLessThan(1e-3);
      },
    ),
  );
});

it('moves by no more than the points do', () => {
  const plane = new SteadyPlane(dim);
  const random = stream(3, 'steps');
  let points = cloud(3);
  let before = plane.next(points);
  for (let step = 0; step < 20; step++) {
    points = points.map((value) => value + 0.01 * (random.float() - 0.5));
    const after = plane.next(points);
    expect(moved(after, before)).toBeGreaterThan(0);
    expect(moved(after, before)).toBeLessThan(0.03);
    before = after;
  }
});

it('puts points that do not vary into one place, and shows them when they do', () => {
  const plane = new SteadyPlane(dim);
  const places = plane.next(new Float32Array(rows * dim).fill(0.25));
  expect([...places].every((value) => Math.abs(value) < 1e-6)).toBe(true);
  const size = (of: Float32Array) => moved(of, new Float32Array(of.length));
  expect(size(plane.next(cloud(1)))).toBeCloseTo(size(new SteadyPlane(dim).next(cloud(1))), 5);
});
