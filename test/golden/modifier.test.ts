import { describe, expect, it } from 'vitest';
import { type Random, stream } from '../../src/core/random/random.js';
import {
  cellFromMatrix,
  edgeBitsOf,
  interiorOps,
  isCell,
  nasbench101,
  verticesOf,
} from '../../src/core/space/nasbench101.js';
import { goldenFile } from './golden.js';

/*
 * The frequencies of the reference's edits are a sample; ours are compared as another. Each frequency must be within Z
 * standard errors of their difference: with some 150 frequencies, all hold with 99.9% confidence where the two agree
 * (Z = 4.5, two-sided, Bonferroni), while a frequency of 0.11 that is 8% off (28,000 samples) is found.
 */
const Z = 4.5;

interface Frequencies {
  samples: number;
  frequency: Record<string, number>;
}

const golden: {
  samples_per_call: number;
  by_vertices: Record<string, Frequencies>;
  fixed_cells: (Frequencies & { matrix: number[][]; ops: string[] })[];
} = goldenFile('modifier_stats.json');

/** What became of the anchor, as the golden figures name it. */
function edit(anchor: number, positive: number): string {
  if (verticesOf(positive) < verticesOf(anchor)) return 'node_deleted';
  const edges = (edgeBitsOf(anchor) ^ edgeBitsOf(positive)).toString(2).replaceAll('0', '').length;
  const [before, after] = [interiorOps(anchor), interiorOps(positive)];
  const ops = [...before].filter((op, v) => op !== after[v]).length;
  return `edges${edges}_ops${ops}`;
}

/** Positives of `calls` anchors, seven an anchor as in the golden file: by kind of edit, how many of the seven of each. */
function draw(calls: number, anchorOf: () => number, random: Random): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (let call = 0; call < calls; call++) {
    const anchor = anchorOf();
    for (let i = 0; i < golden.samples_per_call; i++) {
      const kind = edit(anchor, nasbench101.mutate(anchor, random));
      if (!counts.has(kind)) counts.set(kind, []);
      const byCall = counts.get(kind)!;
      byCall[call] = (byCall[call] ?? 0) + 1;
    }
  }
  return counts;
}

function expectAlike(theirs: Frequencies, ours: Map<string, number[]>, calls: number): void {
  const frequency = new Map(
    Object.entries(theirs.frequency).map(([kind, share]) => [
      kind.replace(/^node_deleted.*/, 'node_deleted'),
      share,
    ]),
  );
  const theirCalls = theirs.samples / golden.samples_per_call;
  for (const kind of new Set([...frequency.keys(), ...ours.keys()])) {
    // Positives of one anchor are alike: the variance is that between the sums of a call, at least Poisson's.
    const byCall = ours.get(kind) ?? [];
    const count = byCall.reduce((sum, n) => sum + n, 0);
    const mean = count / calls;
    const variance = byCall.reduce((sum, n) => sum + n * n, 0) / calls - mean * mean;
    const dispersion = Math.max(1, mean > 0 ? variance / mean : 1);
    // Freeman–Tukey: of unit variance down to counts of about one, where the normal law would not do.
    const expected = mean * theirCalls;
    const observed = (frequency.get(kind) ?? 0) * theirs.samples;
    const deviation = Math.sqrt(observed) + Math.sqrt(observed + 1) - Math.sqrt(4 * expected + 1);
    const z = deviation / Math.sqrt(dispersion * (1 + theirCalls / calls));
    expect(Math.abs(z), `${kind}: ${observed} of ${theirs.samples}, expected ${expected}`).toBeLessThan(Z);
  }
}

describe('positives, against the reference', () => {
  it.each(Object.entries(golden.by_vertices))('of random cells of %s vertices', (vertices, theirs) => {
    // The figures fit anchors that are random valid matrices (by deletions, not uniformly drawn cells).
    const n = Number(vertices);
    const masks: number[] = [];
    for (let mask = 1; mask < 2 ** ((n * (n - 1)) / 2); mask++) {
      if (verticesOf(mask) === n && isCell(mask)) masks.push(mask);
    }
    const random = stream(1, 'modifier', n);
    const anchor = () => masks[random.int(masks.length)]! | (random.int(3 ** (n - 2)) << 21);
    expectAlike(theirs, draw(8000, anchor, random), 8000);
  });

  it.each(golden.fixed_cells.map((fixed, i) => [i, fixed] as const))('of fixed cell %i', (i, fixed) => {
    const anchor = cellFromMatrix(fixed.matrix, fixed.ops);
    expectAlike(
      fixed,
      draw(4000, () => anchor, stream(1, 'modifier', 'fixed', i)),
      4000,
    );
  });
});
