import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { distanceShares } from '../../../src/core/space/distances.js';
import { nasbench101 } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';

describe('shares of edit distances', () => {
  it("are the paper's (figure 1a)", () => {
    // REFERENCE §8 does not say how many pairs were drawn; its shares are multiples of 1/10,000, hence taken as counts.
    const paper = [2, 1, 24, 73, 291, 798, 8811];
    const drawn = 10_000;
    const pairs = 20_000;
    const ours = distanceShares(nasbench101, pairs, stream(1, 'distances'));
    expect(ours.map(({ distance }) => distance)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const [i, { count, share, low, high }] of ours.entries()) {
      expect(share).toBe(count / pairs);
      expect(low).toBeLessThanOrEqual(share);
      expect(high).toBeGreaterThanOrEqual(share);
      // Freeman–Tukey deviates, near normal down to the smallest counts: all seven lie within 3.2 with 99% confidence.
      const deviation = Math.sqrt(paper[i]!) + Math.sqrt(paper[i]! + 1) - Math.sqrt(4 * share * drawn + 1);
      expect(Math.abs(deviation)).toBeLessThan(3.2 * Math.sqrt(1 + drawn / pairs));
    }
    expect(ours.reduce((sum, { count }) => sum + count, 0)).toBe(pairs);
  });

  it('have intervals that hold what they should', () => {
    // Four of six operations differ: 15 · 4⁴ of 5⁶ - 1. Of 400 intervals of 95%, 2% to 9% miss it, with 99.8% confidence.
    const truth = (15 * 4 ** 4) / (5 ** 6 - 1);
    const random = stream(2, 'coverage');
    let missed = 0;
    for (let i = 0; i < 400; i++) {
      const { low, high } = distanceShares(nasbench201, 200, random, 4)[3]!;
      if (truth < low || truth > high) missed++;
    }
    expect(missed).toBeGreaterThan(400 * 0.02);
    expect(missed).toBeLessThan(400 * 0.09);
  });

  it('agree with the binomial law in nasbench201', () => {
    // Six operations, each differing with probability 4/5, given that not all are the same.
    const pairs = 20_000;
    const choose = [1, 6, 15, 20, 15, 6, 1];
    const shares = distanceShares(nasbench201, pairs, stream(1, 'distances'), 3);
    const exact = choose.map((ways, k) => (ways * 4 ** k) / (5 ** 6 - 1));
    const expected = [exact[1]!, exact[2]!, exact[3]!, exact[4]! + exact[5]! + exact[6]!];
    shares.forEach(({ share }, i) => {
      const p = expected[i]!;
      expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / pairs)); // 99.97% confidence
    });
  });

  it('repeat with the seed', () => {
    const draw = (seed: number) => distanceShares(nasbench101, 500, stream(seed, 'distances'));
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });
});
