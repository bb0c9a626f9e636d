import type { EventRow } from '../../core/batch/index.js';
import { nameOf } from '../../core/spec/spec.js';
import { clusterDifference } from '../../core/statistics/clusterBootstrap.js';
import { exactMannWhitney } from '../../core/statistics/exactMannWhitney.js';
import { holm } from '../../core/statistics/holm.js';
import { mannWhitney } from '../../core/statistics/mannWhitney.js';
import { mean, standardDeviation } from '../../core/statistics/moments.js';
import type { Sweep, Variant } from '../../pipelines/fromSpec/sweep.js';
import type { SearcherSpec } from '../../pipelines/searchers/searcher.js';
import type { SearchOutcome } from './outcome.js';
import { lossOf, searchOf } from './tasks.js';

/** How one variant of a sweep did; see `SummaryColumns`. */
export type SummaryRow = EventRow<'summary'>;

/** More values than this in both samples together: the normal approximation is good. */
const exactUpTo = 60;

/** How the variants of a sweep did, in their order, and whether any is other than the one that they are tested against. */
export function summarise(sweep: Sweep, outcomes: readonly SearchOutcome[]): SummaryRow[] {
  const own = new Map<string, SearchOutcome[]>(sweep.variants.map(({ name }) => [name, []]));
  for (const outcome of outcomes) own.get(outcome.variant)?.push(outcome);
  const rows = sweep.variants.map((variant) => rowOf(sweep, variant, own.get(variant.name)!));
  const against = referenceOf(sweep, rows);
  const reference = against === undefined ? [] : own.get(against)!;
  const others = rows.filter(({ variant, searches }) => variant !== against && searches > 0);
  if (reference.length === 0) return rows;
  for (const [figure, value] of [
    ['test', ({ test }: SearchOutcome) => test],
    ['queries', ({ queriesToBest }: SearchOutcome) => queriesToBest],
  ] as const) {
    const base = clustersOf(reference, value);
    const clusters = others.map(({ variant }) => clustersOf(own.get(variant)!, value));
    const p = holm(clusters.map((each) => mannWhitney(each.flat(), base.flat())));
    const pMeans = holm(clusters.map((each) => testOfMeans(each.map(mean), base.map(mean))));
    others.forEach((row, i) => {
      const { mean: difference, low, high } = clusterDifference(clusters[i]!, base);
      Object.assign(row, {
        against: against!,
        ...{ [`${figure}_difference`]: difference, [`${figure}_low`]: low, [`${figure}_high`]: high },
        ...{ [`${figure}_p`]: p[i]!, [`${figure}_p_means`]: pMeans[i]! },
      });
    });
  }
  return rows;
}

function testOfMeans(a: readonly number[], b: readonly number[]): number {
  return a.length + b.length > exactUpTo ? mannWhitney(a, b) : exactMannWhitney(a, b);
}

/** A figure of the searches, together for those on one pretraining. */
function clustersOf(
  outcomes: readonly SearchOutcome[],
  value: (outcome: SearchOutcome) => number,
): number[][] {
  const clusters = new Map<number, number[]>();
  for (const outcome of outcomes) {
    const { pretrainSeed } = outcome;
    clusters.set(pretrainSeed, [...(clusters.get(pretrainSeed) ?? []), value(outcome)]);
  }
  return [...clusters.values()];
}

/** The variant that the others are tested against: the one that the sweep names, NoMetric, or the best of the baselines. */
function referenceOf(sweep: Sweep, rows: readonly SummaryRow[]): string | undefined {
  if (sweep.against !== undefined) return sweep.against;
  const noMetric = sweep.variants.find((variant) => lossOf(variant) === 'NoMetric');
  if (noMetric) return noMetric.name;
  const baselines = sweep.variants.filter(isBaseline).map(({ name }) => name);
  const [best] = rows
    .filter(({ variant, searches }) => baselines.includes(variant) && searches > 0)
    .toSorted((a, b) => b.test - a.test);
  return best?.variant;
}

function isBaseline(variant: Variant): boolean {
  const spec = variant.search.registry.find('searcher', nameOf(searchOf(variant).searcher)) as SearcherSpec;
  return spec.baseline === true;
}

function rowOf(sweep: Sweep, variant: Variant, outcomes: readonly SearchOutcome[]): SummaryRow {
  const of = (value: (outcome: SearchOutcome) => number) => outcomes.map(value);
  const { searcher, protocol } = searchOf(variant);
  const queries = of(({ queriesToBest }) => queriesToBest);
  const tests = of(({ test }) => test);
  const sds = of(({ sd }) => sd);
  const ranks = of(({ rank }) => rank || Number.NaN);
  const isTheirs = sweep.published?.benchmark === nameOf(variant.search.spec.benchmark!);
  const published = isTheirs ? sweep.published?.rows[variant.name] : undefined;
  const meanOf = (figure: number | [number, number] | undefined) =>
    (Array.isArray(figure) ? figure[0] : figure) ?? Number.NaN;
  const none = Number.NaN;
  return {
    variant: variant.name,
    loss: lossOf(variant),
    searcher: nameOf(searcher),
    protocol,
    pretrainings: variant.pretrain ? new Set(of(({ pretrainSeed }) => pretrainSeed)).size : 0,
    searches: outcomes.length,
    queries: mean(queries),
    queries_std: standardDeviation(queries),
    queries_made: mean(of((outcome) => outcome.queries)),
    test: mean(tests),
    test_std: standardDeviation(tests),
    validation: mean(of(({ validation }) => validation)),
    sd: mean(sds),
    sd_std: standardDeviation(sds),
    regret: mean(of(({ regret }) => regret)),
    rank: mean(ranks),
    rank_std: standardDeviation(ranks),
    against: '',
    ...{ test_difference: none, test_low: none, test_high: none, test_p: none, test_p_means: none },
    ...{ queries_difference: none, queries_low: none, queries_high: none },
    ...{ queries_p: none, queries_p_means: none },
    published_queries: meanOf(published?.queries),
    published_test: meanOf(published?.test) / 100,
    published_sd: meanOf(published?.sd) / 100,
    published_regret: meanOf(published?.regret) / 100,
    published_rank: meanOf(published?.rank),
  };
}
