import { meanInterval } from '../core/statistics/bootstrap.js';
import type { Panel, Series } from './model.js';
import type { RunRows, SearchColumn, SearchRow, StepColumn } from './runRows.js';
import { rangeOf } from './sparkline.js';

/** Points of a line; a longer run is averaged over as many stretches. */
const mostPoints = 400;
/** Places at which searches are averaged: an interval costs a bootstrap each. */
const mostPlaces = 60;
/** The band around a mean of steps holds so much of them in its middle. */
const band = 0.8;
/** Fewer steps than this in a stretch have no band. */
const leastOfBand = 5;
/** A y axis is logarithmic where its values span more than this. */
const logFrom = 50;

/** A run's rows, as its curves are called. */
export interface CurveRows {
  name: string;
  /** Runs that differ in the seed alone share it. */
  group: string;
  rows: RunRows;
}

const stepPanels = {
  total: ['Loss', 'loss'],
  reconstruction: ['Reconstruction loss', 'cross-entropy'],
  metric: ['Metric loss', 'loss before its weight'],
  spread: ['Spread of the embedding', 'mean standard deviation'],
  effective_rank: ['Effective rank of the embedding', 'dimensions'],
  gradient_norm: ['Gradient norm', 'norm before clipping'],
} as const satisfies Record<StepColumn, [string, string]>;

const searchPanels = {
  best_test: ['Test accuracy of the best cell', 'accuracy'],
  best_validation: ['Validation accuracy of the best cell', 'accuracy'],
  regret: ['Test regret', 'accuracy below the best cell’s'],
} as const satisfies Record<SearchColumn, [string, string]>;

const keysOf = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];

/** The charts of runs: of what they have logged. */
export function panelsOf(runs: readonly CurveRows[]): Panel[] {
  const pretrainings = runs.filter(({ rows }) => rows.steps.step.length > 0);
  const ofSteps = keysOf(stepPanels).map((column): Panel => {
    const [title, y] = stepPanels[column];
    const series = pretrainings.map(({ name, rows }) => stretches(name, rows.steps, column));
    return {
      id: `step-${column}`,
      title,
      note: `Mean over stretches of the run; the band holds the middle ${100 * band} % of the steps of a stretch.`,
      x: 'step',
      y,
      unit: 'number',
      log: spans(series),
      steps: false,
      series,
    };
  });
  const searches = runs.flatMap(({ group, rows }) =>
    rows.searches.map(({ variant, rows }) => ({ group: variant ?? group, rows })),
  );
  const groups = [...new Set(searches.map(({ group }) => group))];
  const ofQueries = keysOf(searchPanels).map((column): Panel => {
    const [title, y] = searchPanels[column];
    const series = groups.map((group) =>
      averaged(
        group,
        searches.filter((search) => search.group === group).map(({ rows }) => rows),
        column,
      ),
    );
    return {
      id: `query-${column}`,
      title,
      note: series.some(({ low }) => low)
        ? 'Mean over the searches; the band is its 95 % interval (bootstrap). A search that has ended keeps its best cell.'
        : 'One search a line.',
      x: 'queries',
      y,
      unit: 'fraction',
      log: false,
      steps: true,
      series,
    };
  });
  return [...ofQueries, ...ofSteps]
    .map((panel) => ({ ...panel, series: panel.series.filter(({ y }) => y.some((value) => value !== null)) }))
    .filter(({ series }) => series.length > 0);
}

/** As exact as a chart can show. */
const finite = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null);

/** A column over the steps: the mean of each stretch, and the middle of its values. */
function stretches(name: string, steps: RunRows['steps'], column: StepColumn): Series {
  const length = Math.max(1, Math.ceil(steps.step.length / mostPoints));
  const [x, y, low, high]: [number[], Series['y'], Series['y'], Series['y']] = [[], [], [], []];
  for (let at = 0; at < steps.step.length; at += length) {
    const values = steps[column].slice(at, at + length).sort((a, b) => a - b);
    const quantile = (q: number) => values[Math.round(q * (values.length - 1))]!;
    x.push(steps.step[at + values.length - 1]! + 1);
    y.push(finite(values.reduce((sum, value) => sum + value, 0) / values.length));
    low.push(finite(quantile((1 - band) / 2)));
    high.push(finite(quantile((1 + band) / 2)));
  }
  return { name, x, y, ...(length >= leastOfBand && { low, high }) };
}

/** A column over the queries: of one search as it is, of several the mean with its interval. */
function averaged(name: string, searches: readonly (readonly SearchRow[])[], column: SearchColumn): Series {
  const last = Math.max(...searches.map((rows) => rows.at(-1)!.query));
  const [most, one] = searches.length === 1 ? [mostPoints, true] : [mostPlaces, false];
  const count = Math.min(last, most);
  const x = [...new Set(Array.from({ length: count }, (_, i) => Math.round((last * (i + 1)) / count)))];
  const values = x.map((at) => searches.map((rows) => rows[Math.min(at, rows.length) - 1]![column]));
  if (one) return { name, x, y: values.map(([value]) => finite(value!)) };
  const means = values.map((each) => meanInterval(each, 1000));
  return {
    name: `${name} (${searches.length} searches)`,
    x,
    y: means.map(({ mean }) => finite(mean)),
    low: means.map((interval) => finite(interval.low)),
    high: means.map((interval) => finite(interval.high)),
  };
}

/** Whether all values are positive and differ by more than a factor. */
function spans(series: readonly Series[]): boolean {
  const [low, high] = rangeOf(series.flatMap(({ y }) => y.filter((value) => value !== null)));
  return low > 0 && high / low > logFrom;
}
