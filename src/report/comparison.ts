import type { EventRow } from '../core/batch/index.js';
import { type Protocol, protocolTexts } from '../core/search/pool.js';
import type { Comparison, ComparisonRow } from './model.js';

type Summary = EventRow<'summary'>;

/**
 * The table of a sweep; undefined where no search has ended.
 * @param summaries those that it has logged at its end, or how its variants have done so far
 * @param about whether it has ended, and what there is to say of the benchmark
 */
export function comparisonOf(
  name: string,
  summaries: readonly Summary[],
  { ended, benchmark }: { ended: boolean; benchmark?: string },
): Comparison | undefined {
  const rows = summaries.filter(({ searches }) => searches > 0).map(comparisonRow);
  if (rows.length === 0) return undefined;
  const against = summaries.find((row) => row.against !== '')?.against;
  const protocols = [...new Set(summaries.map(({ protocol }) => protocol as Protocol))];
  return {
    name,
    notes: [
      ...(ended ? [] : ['So far: the sweep has not ended.']),
      ...protocols.map((protocol) => `Protocol ${protocol}: ${protocolTexts[protocol]}.`),
      ...(benchmark === undefined ? [] : [`Benchmark ${benchmark}.`]),
    ],
    ...(against !== undefined && { against }),
    published: rows.some(({ published }) => Object.values(published).some((value) => value !== null)),
    rows,
  };
}

const known = (value: number) => (Number.isFinite(value) ? value : null);

function comparisonRow(row: Summary): ComparisonRow {
  return {
    variant: row.variant,
    pretrainings: row.pretrainings,
    searches: row.searches,
    queries: known(row.queries),
    queriesStd: known(row.queries_std),
    test: known(row.test),
    testStd: known(row.test_std),
    sd: known(row.sd),
    sdStd: known(row.sd_std),
    regret: known(row.regret),
    rank: known(row.rank),
    difference: known(row.test_difference),
    low: known(row.test_low),
    high: known(row.test_high),
    p: known(row.test_p),
    pMeans: known(row.test_p_means),
    published: {
      queries: known(row.published_queries),
      test: known(row.published_test),
      sd: known(row.published_sd),
      regret: known(row.published_regret),
      rank: known(row.published_rank),
    },
  };
}
