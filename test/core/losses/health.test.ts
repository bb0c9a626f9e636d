import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import {
  collapsedValue,
  collapseLimits,
  collapseSigns,
  eigenvalues,
  embeddingHealth,
} from '../../../src/core/losses/health.js';
import { openLoss } from '../../../src/core/losses/index.js';
import { openMiner } from '../../../src/core/miners/index.js';
import { stream } from '../../../src/core/random/random.js';

const random = stream(3, 'health');
const normals = (length: number) => Float64Array.from({ length }, () => random.normal());
const eights = (rows: number) => Int32Array.from({ length: rows }, (_, i) => i >> 3);
const load = (values: Float64Array, rows: number) => new EmbeddingBatch().load(values, eights(rows));

describe('embeddingHealth', () => {
  it('of embeddings spread over the sphere', () => {
    const { spread, distance, effectiveRank } = embeddingHealth(load(normals(512 * 16), 512));
    expect(spread).toBeCloseTo(0.25, 2);
    expect(distance).toBeCloseTo(Math.SQRT2, 2);
    expect(effectiveRank).toBeGreaterThan(15);
    expect(effectiveRank).toBeLessThanOrEqual(16 + 1e-9);
  });

  it('of equal embeddings', () => {
    const { spread, distance, effectiveRank } = embeddingHealth(load(new Float64Array(64 * 4).fill(0.3), 64));
    expect(spread).toBeCloseTo(0, 12);
    expect(distance).toBeCloseTo(0, 12);
    expect(effectiveRank).toBeCloseTo(1, 6);
  });

  it('counts the axes that are in use', () => {
    const values = new Float64Array(60 * 8);
    for (let i = 0; i < 60; i++) values[i * 8 + (i % 3)] = i % 2 === 0 ? 1 : -1;
    expect(embeddingHealth(load(values, 60)).effectiveRank).toBeCloseTo(3, 9);
  });

  it('distance is the root mean square over pairs', () => {
    const batch = load(normals(9 * 5), 9);
    let squares = 0;
    for (let i = 0; i < 9; i++) {
      for (let j = 0; j < 9; j++) {
        for (let d = 0; d < 5; d++) squares += (batch.unit[i * 5 + d]! - batch.unit[j * 5 + d]!) ** 2;
      }
    }
    expect(embeddingHealth(batch).distance).toBeCloseTo(Math.sqrt(squares / (9 * 8)), 12);
  });

  it('of nothing, one row, zeros and NaN', () => {
    expect(embeddingHealth(load(new Float64Array(0), 0))).toEqual({
      spread: 0,
      distance: 0,
      effectiveRank: 0,
    });
    expect(embeddingHealth(load(normals(4), 1))).toMatchObject({ spread: 0, distance: 0 });
    expect(embeddingHealth(load(new Float64Array(12), 3)).effectiveRank).toBe(0);
    const spoilt = normals(12);
    spoilt[5] = Number.NaN;
    expect(embeddingHealth(load(spoilt, 3)).effectiveRank).toBeNaN();
  });
});

it('eigenvalues have the trace, the squares and the product of the matrix', () => {
  // A known spectrum turned by a random reflection: Q diag Qᵀ with Q = I − 2vvᵀ.
  const dim = 7;
  const v = normals(dim);
  const length = Math.hypot(...v);
  const q = (i: number, j: number) => (i === j ? 1 : 0) - (2 * v[i]! * v[j]!) / length ** 2;
  const known = [9, 4, 4, 1, 0.5, 1e-6, 0];
  const matrix = new Float64Array(dim * dim);
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j < dim; j++) {
      for (let k = 0; k < dim; k++) matrix[i * dim + j]! += q(i, k) * known[k]! * q(j, k);
    }
  }
  const found = Array.from(eigenvalues(matrix, dim)).sort((x, y) => y - x);
  found.forEach((value, k) => {
    expect(value).toBeCloseTo(known[k]!, 12);
  });
});

describe('collapse', () => {
  const labels = eights(64);
  const mine = openMiner('None');

  it('collapsedValue is the margin of the hinge losses', () => {
    const batch = new EmbeddingBatch().load(normals(64 * 16), labels);
    const selection = openMiner('TripletMargin').mine(batch);
    expect(collapsedValue(openLoss('TripletMargin', { margin: 0.1 }), batch, selection)).toBeCloseTo(0.1, 9);
    expect(collapsedValue(openLoss('Contrastive'), batch, selection)).toBeCloseTo(1, 9);
  });

  function figures(values: Float64Array, name: string) {
    const batch = new EmbeddingBatch().load(values, labels);
    const loss = openLoss(name);
    const selection = mine.mine(batch);
    const { value, mined, candidates } = loss.evaluate(batch, selection);
    const collapsed = collapsedValue(loss, batch, selection);
    return {
      ...embeddingHealth(batch),
      dim: 16,
      minedShare: mined / candidates,
      value,
      collapsed,
    };
  }

  it('shows no sign in healthy embeddings', () => {
    expect(collapseSigns(figures(normals(64 * 16), 'TripletMargin'))).toEqual([]);
  });

  it('shows every sign in embeddings that are nearly equal', () => {
    const values = normals(64 * 16).map((value, i) => (i % 16 === 0 ? 1 : 1e-4 * value));
    const signs = collapseSigns(figures(values, 'TripletMargin'));
    expect(signs).toHaveLength(3);
    expect(signs.join('\n')).toMatch(/spread.*\n.*dimensions\n.*equal embeddings/);
  });

  it('reports an empty selection, and lets the limits be set', () => {
    const healthy = figures(normals(64 * 16), 'TripletMargin');
    expect(collapseSigns({ ...healthy, minedShare: 0, value: 0 })).toEqual(['no tuple was mined']);
    expect(collapseSigns(healthy, { ...collapseLimits, effectiveRank: 17 })).toHaveLength(1);
  });
});
