import { type EventRow, rowsOf } from '../core/batch/index.js';
import type { StoredRun } from '../core/run/index.js';
import { meanInterval } from '../core/statistics/bootstrap.js';
import type { Panel, Series } from './model.js';
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

/** The rows of a run that curves are made of. */
export interface CurveRows {
  name: string;
  /** Runs that differ in the seed alone share it. */
  group: string;
  steps: Pick<EventRow<'step'>, 'step' | keyof typeof stepPanels>[];
  /** A list a search. */
  searches: { group: string; rows: SearchRow[] }[];
}

type SearchRow = Pick<EventRow<'query'>, 'query' | keyof typeof searchPanels>;

const stepPanels = {
  total: ['Loss', 'loss'],
  reconstruction: ['Reconstruction loss', 'cross-entropy'],
  metric: ['Metric loss', 'loss before its weight'],
  spread: ['Spread of the embedding', 'mean standard deviation'],
  effective_rank: ['Effective rank of the embedding', 'dimensions'],
  gradient_norm: ['Gradient norm', 'norm before clipping'],
} as const;

const searchPanels = {
  best_test: ['Test accuracy of the best cell', 'accuracy'],
  best_validation: ['Validation accuracy of the best cell', 'accuracy'],
  regret: ['Test regret', 'accuracy below the best cell’s'],
} as const;

const keysOf = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];

/** Reads them from a run's log. Throws exit code 3 where it cannot be read. */
export function curveRows(run: StoredRun, name: string, group: string): CurveRows {
  const rows: CurveRows = { name, group, steps: [], searches: [] };
  let label = '';
  for (const { event, batch } of run.records({ events: ['step', 'query', 'result'] })) {
    for (const row of rowsOf(batch) as Iterable<unknown>) {
      if (event === 'step') rows.steps.push(row as EventRow<'step'>);
      else {
        const { query, best_test, best_validation, regret, searcher } = row as EventRow<'query'>;
        label = event === 'result' ? searcher : group;
        if (query === 1 || rows.searches.length === 0) rows.searches.push({ group: label, rows: [] });
        rows.searches.at(-1)!.rows.push({ query, best_test, best_validation, regret });
      }
    }
  }
  return rows;
}

/** The charts of runs: of what they have logged. */
export function panelsOf(runs: readonly CurveRows[]): Panel[] {
  const pretrainings = runs.filter(({ steps }) => steps.length > 0);
  const ofSteps = keysOf(stepPanels).map((column): Panel => {
    const [title, y] = stepPanels[column];
    const series = pretrainings.map(({ name, steps }) => stretches(name, steps, column));
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
  const searches = runs.flatMap((run) => run.searches);
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

const finite = (value: number) => (Number.isFinite(value) ? value : null);

/** A column over the steps: the mean of each stretch, and the middle of its values. */
function stretches(name: string, rows: CurveRows['steps'], column: keyof typeof stepPanels): Series {
  const length = Math.max(1, Math.ceil(rows.length / mostPoints));
  const [x, y, low, high]: [number[], Series['y'], Series['y'], Series['y']] = [[], [], [], []];
  for (let at = 0; at < rows.length; at += length) {
    const part = rows.slice(at, at + length);
    const values = part.map((row) => row[column]).sort((a, b) => a - b);
    const quantile = (q: number) => values[Math.round(q * (values.length - 1))]!;
    x.push(part.at(-1)!.step + 1);
    y.push(finite(values.reduce((sum, value) => sum + value, 0) / values.length));
    low.push(finite(quantile((1 - band) / 2)));
    high.push(finite(quantile((1 + band) / 2)));
  }
  return { name, x, y, ...(length >= leastOfBand && { low, high }) };
}

/** A column over the queries: of one search as it is, of several the mean with its interval. */
function averaged(
  name: string,
  searches: readonly (readonly SearchRow[])[],
  column: keyof typeof searchPanels,
): Series {
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
