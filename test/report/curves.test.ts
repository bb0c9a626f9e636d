import { describe, expect, it } from 'vitest';
import { createRun, openRun } from '../../src/core/run/index.js';
import { curveOf, curvesPlot, valuesAt } from '../../src/report/curves.js';
import { rangeOf, sparkline } from '../../src/report/sparkline.js';
import { renderSvg } from '../../src/report/svg.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('sparkline', () => {
  it('has a character a value, from the lowest to the highest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([5, Number.NaN, 10], [0, 10])).toBe('▅ █');
    expect(sparkline([-1, 11], [0, 10])).toBe('▁█');
    expect(sparkline([3, 3])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });

  it('knows the range of what is finite', () => {
    expect(rangeOf([Number.NaN, 2, Number.POSITIVE_INFINITY, -1])).toEqual([-1, 2]);
    expect(rangeOf([Number.NaN])).toEqual([0, 0]);
  });
});

describe('the curve of a run', () => {
  it('of many steps is that of their means', async () => {
    const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec: {}, seed: 1 });
    const rest = { epoch: 0, reconstruction: 0, metric: 0, mined: 0, learning_rate: 0, gradient_norm: 0 };
    for (let step = 0; step < 1001; step++) {
      run.append('step', { step, total: step, ...rest, spread: 0, effective_rank: 0 });
    }
    run.close();
    const curve = curveOf(openRun(run.dir));
    expect(curve.values).toHaveLength(334);
    expect(curve.values.slice(0, 2)).toEqual([
      [2, 1],
      [5, 4],
    ]);
    expect(curve.values.at(-1)).toEqual([1000, 999.5]);
    expect(valuesAt(curve, [1, 2, 4, 1000, 1001])).toEqual([Number.NaN, 1, 1, 999.5, Number.NaN]);
  });
});

it('a plot is the same bytes for the same data, whatever the names hold', async () => {
  const values: [number, number][] = [
    [0, 1],
    [1, Number.NaN],
    [2, 0.5],
  ];
  const curves = ['a', '<script>"&'].map((name) => ({
    name,
    of: 'step' as const,
    column: 'total' as const,
    values,
  }));
  const svg = await renderSvg(curvesPlot(curves));
  expect(svg).toContain('&lt;script&gt;"&amp;</text>');
  expect(svg).not.toContain('<script>');
  expect(await renderSvg(curvesPlot(curves))).toBe(svg);
});
