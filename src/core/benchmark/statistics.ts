import type { Benchmark, Evaluation } from './benchmark.js';

/** How well a benchmark tells cells apart. Accuracies are test accuracies; cells of which a training is missing or diverged are left out. */
export interface BenchmarkStatistics {
  cells: number;
  /** Trainings a cell. */
  repeats: number;
  test: { best: number; median: number; worst: number };
  all: Separation;
  /** The same among the better half of the cells, where a search decides. */
  topHalf: Separation;
  /** Mean Spearman correlation between two repeats; NaN with one repeat. */
  repeatCorrelation: number;
  /** Spearman correlation of validation and test accuracy (means over the repeats). */
  validationCorrelation: number;
  /** What ranking cells by their number of parameters achieves: the baseline of every predictor. */
  byParameters: { correlation: number; largest: { parameters: number; test: number; rank: number } };
}

export interface Separation {
  /** Standard deviation between the cells' mean accuracies. */
  spread: number;
  /** Standard deviation of one training about its cell's mean (pooled over cells); NaN with one repeat. */
  noise: number;
  ratio: number;
}

/** Agreement of two benchmarks on the cells they share. */
export interface Agreement {
  cells: number;
  /** Spearman correlation of mean test accuracies. */
  correlation: number;
  /** Spearman correlation of the first one's parameter counts with the other's accuracies. */
  byParameters: number;
}

/** Statistics of a benchmark that can be listed. */
export async function benchmarkStatistics(benchmark: Benchmark): Promise<BenchmarkStatistics> {
  const all = await evaluations(benchmark);
  const repeats = all.reduce((most, { test }) => Math.max(most, test.length), 0);
  const known = all.filter(
    ({ test }) => test.length === repeats && test.every((value) => !Number.isNaN(value)),
  );
  const test = known.map((cell) => mean(cell.test));
  const parameters = known.map((cell) => cell.parameters);
  const ascending = [...test].sort((a, b) => a - b);
  const median = ascending[ascending.length >> 1]!;
  const correlations: number[] = [];
  for (let a = 0; a < repeats; a++)
    for (let b = 0; b < a; b++)
      correlations.push(
        spearman(
          known.map((cell) => cell.test[a]!),
          known.map((cell) => cell.test[b]!),
        ),
      );
  const largest = parameters.reduce((best, count, i) => (count > parameters[best]! ? i : best), 0);
  return {
    cells: known.length,
    repeats,
    test: { best: ascending.at(-1)!, median, worst: ascending[0]! },
    all: separation(known),
    topHalf: separation(known.filter((_, i) => test[i]! >= median)),
    repeatCorrelation: mean(correlations),
    validationCorrelation: spearman(
      known.map((cell) => mean(cell.validation)),
      test,
    ),
    byParameters: {
      correlation: spearman(parameters, test),
      largest: {
        parameters: parameters[largest]!,
        test: test[largest]!,
        rank: ascending.length - upperBound(ascending, test[largest]!) + 1,
      },
    },
  };
}

/** How far two benchmarks of one space rank the same cells alike. */
export async function agreement(benchmark: Benchmark, other: Benchmark): Promise<Agreement> {
  const shared = benchmark.list!().filter((cell) => other.has(cell));
  const ours = await Promise.all(Array.from(shared, (cell) => benchmark.lookup(cell)));
  const theirs = await Promise.all(Array.from(shared, (cell) => other.lookup(cell)));
  const accuracies = theirs.map(({ test }) => mean(test));
  return {
    cells: shared.length,
    correlation: spearman(
      ours.map(({ test }) => mean(test)),
      accuracies,
    ),
    byParameters: spearman(
      ours.map(({ parameters }) => parameters),
      accuracies,
    ),
  };
}

const evaluations = (benchmark: Benchmark): Promise<Evaluation[]> =>
  Promise.all(Array.from(benchmark.list!(), (cell) => benchmark.lookup(cell)));

function separation(cells: readonly Evaluation[]): Separation {
  const means = cells.map((cell) => mean(cell.test));
  const centre = mean(means);
  const squares = (values: readonly number[], about: number) =>
    values.reduce((sum, value) => sum + (value - about) ** 2, 0);
  const spread = Math.sqrt(squares(means, centre) / (cells.length - 1));
  const within = cells.map(({ test }, i) => squares(test, means[i]!) / (test.length - 1));
  const noise = Math.sqrt(mean(within));
  return { spread, noise, ratio: spread / noise };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Spearman's rank correlation; ties share their mean rank. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  return pearson(ranks(a), ranks(b));
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const out = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) out[order[i]!] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    const [da, db] = [value - meanA, b[i]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  });
  return ab / Math.sqrt(aa * bb);
}

/** Number of values that are at most `limit`, in an ascending array. */
function upperBound(ascending: readonly number[], limit: number): number {
  const above = ascending.findIndex((value) => value > limit);
  return above < 0 ? ascending.length : above;
}
