import { protocolTexts } from '../core/search/pool.js';
import type { SweepResult } from '../jobs/sweep/job.js';
import type { SummaryRow } from '../jobs/sweep/summary.js';

/** How a sweep went, as Markdown: a row a variant, with what others have published beside it, and the tests. */
export function sweepMarkdown({ name, summary, provenance, progress, published }: SweepReport): string[] {
  const rows = summary.filter(({ searches }) => searches > 0);
  const { pretrainings, searches } = progress;
  const tested = rows.filter(({ against }) => against !== '');
  return [
    `# ${name}`,
    '',
    `${counts(pretrainings, 'pretrainings')}${counts(searches, 'searches')}Means ± standard deviations over searches.`,
    '',
    ...(rows.length === 0 ? ['No search is finished yet.'] : mainTable(rows, published)),
    ...(tested.length > 0 ? ['', ...testTable(tested)] : []),
    '',
    ...[...new Set(rows.map(({ protocol }) => protocol))].map(
      (each) => `- Protocol ${each}: ${protocolTexts[each]}.`,
    ),
    ...Object.entries(provenance).map(([benchmark, text]) => `- ${benchmark}: ${text}.`),
    '- #queries: queries until the search had the cell that it reports at the end. SD: standard deviation of the test accuracies of all queried cells. Rank among all cells of the benchmark.',
    ...(published && rows.some(hasPublished) ? [`- Columns "published": ${published}.`] : []),
  ];
}

export type SweepReport = Pick<SweepResult, 'name' | 'summary' | 'provenance' | 'progress'> & {
  /** Source of the published figures. */
  published?: string | undefined;
};

const counts = ({ done, all }: { done: number; all: number }, what: string) =>
  all === 0 ? '' : `${done} of ${all} ${what} finished. `;

function mainTable(rows: readonly SummaryRow[], source: string | undefined): string[] {
  const beside = source !== undefined && rows.some(hasPublished);
  const columns: [string, (row: SummaryRow) => string, ((row: SummaryRow) => string)?][] = [
    ['#queries', (r) => spread(r.queries, r.queries_std, 0, 1), (r) => figure(r.published_queries, 0)],
    ['test %', (r) => spread(100 * r.test, 100 * r.test_std, 2, 3), (r) => figure(100 * r.published_test, 2)],
    ['SD %', (r) => spread(100 * r.sd, 100 * r.sd_std, 2, 3), (r) => figure(100 * r.published_sd, 2)],
    ['regret %', (r) => figure(100 * r.regret, 2), (r) => figure(100 * r.published_regret, 2)],
    ['rank', (r) => spread(r.rank, r.rank_std, 0, 1), (r) => figure(r.published_rank, 0)],
    ['made', (r) => figure(r.queries_made, 0)],
  ];
  const cells = columns.flatMap(([title, own, published]) =>
    published && beside
      ? [[title, own] as const, ['published', published] as const]
      : [[title, own] as const],
  );
  return markdown(
    ['variant', 'searches', ...cells.map(([title]) => title)],
    rows.map((row) => [row.variant, String(row.searches), ...cells.map(([, cell]) => cell(row))]),
  );
}

function testTable(rows: readonly SummaryRow[]): string[] {
  const { against } = rows[0]!;
  return [
    `Against ${against}: differences with 95 % intervals (bootstrap over pretrainings, and searches within); p of two-sided Mann–Whitney tests over the searches, and over the means of the pretrainings (exact), corrected for ${rows.length} tests (Holm). Searches on one pretraining are not independent: the second p counts.`,
    '',
    ...markdown(
      ['variant', 'test, points', 'p searches', 'p pretrainings', '#queries', 'p searches', 'p pretrainings'],
      rows.map((row) => [
        row.variant,
        interval(100 * row.test_difference, 100 * row.test_low, 100 * row.test_high, 3),
        probability(row.test_p),
        probability(row.test_p_means),
        interval(row.queries_difference, row.queries_low, row.queries_high, 0),
        probability(row.queries_p),
        probability(row.queries_p_means),
      ]),
    ),
  ];
}

const hasPublished = ({ published_queries, published_test }: SummaryRow) =>
  !Number.isNaN(published_queries) || !Number.isNaN(published_test);

const figure = (value: number, digits: number) => (Number.isNaN(value) ? '–' : value.toFixed(digits));
const spread = (value: number, std: number, digits: number, more: number) =>
  `${figure(value, digits)}${Number.isNaN(std) ? '' : ` ± ${std.toFixed(more)}`}`;
const signed = (value: number, digits: number) =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
const interval = (value: number, low: number, high: number, digits: number) =>
  `${signed(value, digits)}${Number.isNaN(low) ? '' : ` [${signed(low, digits)}, ${signed(high, digits)}]`}`;
const probability = (p: number) => (Number.isNaN(p) ? '–' : p < 0.0001 ? '<0.0001' : p.toFixed(4));

/** A Markdown table whose columns are aligned in plain text as well. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)];
}
