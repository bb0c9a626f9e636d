import { describe, expect, it } from 'vitest';
import { byDistance } from '../../src/analytics/byDistance.js';
import type { Figure } from '../../src/report/figures/figure.js';
import {
  type FigureData,
  type FigureName,
  figureName,
  figureNames,
  figures,
} from '../../src/report/figures/index.js';
import { renderPng } from '../../src/report/png.js';
import { renderSvg } from '../../src/report/svg.js';
import { themes } from '../../src/report/theme.js';

const groups = byDistance(
  [1, 1, 2, 3, 4, 5, 6, 7, 9].map((edits, i) => ({ edits, value: 0.01 * edits + 0.001 * i })),
);
const points = [0, 1, 2].map((step) => ({
  ...{ step, total: 1 / (step + 1), reconstruction: 0.5 / (step + 1), metric: 0.3, spread: 0.1 },
  effective_rank: 3 + step,
}));
const panel = {
  ...{ name: 'Angular', minDist: 0.1, neighbors: 16, metric: 'cosine', purity: 0.9 },
  points: Array.from({ length: 18 }, (_, i) => ({ x: i, y: i % 5, cluster: i >> 1, anchor: i % 2 === 0 })),
};

/** Data of each figure, small. */
const samples: { [N in FigureName]: FigureData<N> } = {
  distances: {
    space: 'nasbench101',
    pairs: 1000,
    shares: [0, 0, 0.002, 0.008, 0.03, 0.08, 0.88].map((share, i) => ({
      ...{ distance: i + 1, count: 1000 * share, share, low: share * 0.9, high: share * 1.1 + 0.001 },
    })),
  },
  'accuracy-distance': { benchmark: 'mnist-cells5', space: 'nasbench101', cells: 100, groups },
  'embedding-distance': {
    space: 'nasbench101',
    cells: 100,
    series: Array.from({ length: 10 }, (_, i) => ({ name: `loss ${i}`, correlation: i / 10, groups })),
    untrained: { name: 'untrained', correlation: 0.1, groups },
  },
  clusters: { space: 'nasbench101', panels: [panel, { ...panel, minDist: 0.5 }] },
  reconstruction: {
    runs: [
      { name: 'Angular', weight: 1, points },
      { name: 'Angular', weight: 0, points },
    ],
  },
  curves: {
    benchmark: 'mnist-cells5',
    of: 'regret',
    series: [
      {
        name: 'nao, <Angular>',
        seeds: 3,
        points: [1, 2].map((query) => ({ query, mean: 0.02, low: 0.01, high: 0.03 })),
      },
      { name: 'random', seeds: 1, points: [{ query: 2, mean: 0.02, low: Number.NaN, high: Number.NaN }] },
    ],
  },
  loss: { runs: [{ name: 'Angular', points }] },
  stages: {
    stages: [
      { name: 'run', stage: 'encode', seconds: 3, rows: 10 },
      { name: 'run', stage: 'mine', seconds: 1, rows: 10 },
    ],
  },
};

describe.each(figureNames)('the figure %s', (name) => {
  const figure = figures[name] as Figure<unknown>;
  const data = samples[name];

  it('is the same bytes for the same data, in both themes, without warnings', async () => {
    const warn = console.warn;
    const warnings: unknown[][] = [];
    console.warn = (...line) => warnings.push(line);
    try {
      for (const theme of Object.values(themes)) {
        const svg = await renderSvg(figure.spec(data, theme), theme);
        expect(await renderSvg(figure.spec(data, theme), theme)).toBe(svg);
        expect(svg).toContain(theme.background);
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      }
    } finally {
      console.warn = warn;
    }
    expect(warnings).toEqual([]);
  });

  it('says what is to be seen, and has its data as one table', () => {
    expect(figure.describe(data)).toMatch(/^[A-Z].{60,}\.$/s);
    expect(figure.describe(data)).not.toMatch(/NaN|undefined/);
    const rows = figure.rows(data);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(Object.keys(row)).toEqual(Object.keys(rows[0]!));
  });
});

it('names are escaped, series have the theme’s colours, and dashes when these come round again', async () => {
  const svg = await renderSvg(figures.curves.spec(samples.curves, themes.light), themes.light);
  expect(svg).toContain('&lt;Angular&gt;');
  expect(svg).not.toContain('<Angular>');
  const many = await renderSvg(
    figures['embedding-distance'].spec(samples['embedding-distance'], themes.light),
    themes.light,
  );
  for (const colour of themes.light.series) expect(many).toContain(colour);
  expect(many).toContain('stroke-dasharray="6,3"');
});

it('a PNG is drawn without fonts of the machine', async () => {
  const text = (body: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20"><text x="2" y="14" font-family="Helvetica, sans-serif">${body}</text></svg>`;
  const [words, nothing] = [await renderPng(text('hello ρ')), await renderPng(text(''))];
  const header = Buffer.from(words).subarray(0, 24);
  expect(header.subarray(1, 4).toString()).toBe('PNG');
  expect([header.readUInt32BE(16), header.readUInt32BE(20)]).toEqual([160, 40]);
  expect(words.length).toBeGreaterThan(2 * nothing.length);
});

it('suggests the name that was meant', () => {
  expect(() => figureName('distance')).toThrow("unknown figure 'distance'");
  expect(figureName('clusters')).toBe('clusters');
});
