import type { Comparison, ComparisonRow, ReportModel, RunModel } from '../model.js';
import { type Chart, chart } from './chart.js';
import { h, replaceChildren, table } from './dom.js';
import { format, probability, seconds, signed, spread } from './format.js';

/** A part of the page. */
export interface Section {
  id: string;
  /** What of the model it shows. */
  of: keyof ReportModel;
  /** Its heading, and its name in the list of contents. */
  title: string;
  /** What it shows; undefined where the model has nothing for it. Elements that are given again stay as they are, with focus and scroll. */
  render(model: ReportModel): Node[] | undefined;
}

/** Renders anew only what has changed: a function of a part of the model. */
function memo(part: (model: ReportModel) => unknown, render: Section['render']): Section['render'] {
  let known: string | undefined;
  let shown: Node[] | undefined;
  return (model) => {
    const now = JSON.stringify(part(model));
    if (now !== known) shown = render(model);
    known = now;
    return shown;
  };
}

export const sections: readonly Section[] = [
  { id: 'summary', of: 'runs', title: 'Summary', render: summary },
  {
    id: 'comparison',
    of: 'comparisons',
    title: 'Comparison',
    render: memo(
      ({ comparisons }) => comparisons,
      ({ comparisons }) => comparisons.flatMap(compared),
    ),
  },
  { id: 'curves', of: 'panels', title: 'Curves', render: chartsOf() },
  { id: 'figures', of: 'figures', title: 'Figures', render: figures },
  {
    id: 'stages',
    of: 'runs',
    title: 'Stage timings',
    render: memo(({ runs }) => runs.map((run) => run.stages), stages),
  },
  {
    id: 'spec',
    of: 'runs',
    title: 'Spec and reproduction',
    render: memo(({ runs }) => runs.map((run) => run.spec), spec),
  },
];

function summary({ runs }: ReportModel): Node[] {
  const articles = runs.map((run) =>
    h(
      'article',
      { class: 'run' },
      h('h3', {}, run.name, ' ', h('span', { class: `state ${run.state}` }, run.state)),
      h('p', { class: 'muted' }, [run.kind, run.headline].filter(Boolean).join(' · ')),
      run.figures.length > 0 &&
        h(
          'dl',
          { class: 'figures' },
          ...run.figures.map(({ name, value, unit }) =>
            h('div', {}, h('dt', {}, name), h('dd', {}, format(value, unit))),
          ),
        ),
      ...run.warnings.map(({ code, message, step }) =>
        h('p', { class: 'warning' }, h('b', {}, `${code} at step ${format(step, 'count')}`), ` ${message}`),
      ),
      h(
        'dl',
        { class: 'facts' },
        ...run.facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
      ),
    ),
  );
  return [h('div', { class: 'runs' }, ...articles)];
}

/** Charts that stay on the page: newer panels are drawn into them. */
function chartsOf(): Section['render'] {
  const charts = new Map<string, Chart>();
  let list: HTMLElement | undefined;
  return ({ panels }) => {
    if (panels.length === 0) return undefined;
    const elements = panels.map((panel) => {
      const shown = charts.get(panel.id);
      if (shown) shown.update(panel);
      else charts.set(panel.id, chart(panel));
      return charts.get(panel.id)!.element;
    });
    list ??= h('div', { class: 'charts' });
    replaceChildren(list, elements);
    return [list];
  };
}

/** Table 1 of the paper, of a sweep: what it found, what it says beside the variant that it is tested against, what was published. */
function compared(
  { name, rows, against, published, notes }: Comparison,
  _: number,
  all: readonly unknown[],
): Node[] {
  const percent = (value: number | null) => spread(value, null, 100, 2);
  const columns: [
    title: string,
    cell: (row: ComparisonRow) => string,
    published?: (row: ComparisonRow) => string,
  ][] = [
    [
      'queries',
      (row) => spread(row.queries, row.queriesStd, 1, 0),
      (row) => spread(row.published.queries, null, 1, 0),
    ],
    ['test, %', (row) => spread(row.test, row.testStd, 100, 2), (row) => percent(row.published.test)],
    ['SD, %', (row) => spread(row.sd, row.sdStd, 100, 2), (row) => percent(row.published.sd)],
    ['regret, %', (row) => percent(row.regret), (row) => percent(row.published.regret)],
    ['rank', (row) => spread(row.rank, null, 1, 0), (row) => spread(row.published.rank, null, 1, 0)],
  ];
  const cells = columns.flatMap(([title, own, theirs]) => [
    { title, cell: own },
    ...(published && theirs ? [{ title: 'paper', cell: theirs }] : []),
  ]);
  const difference = ({ difference, low, high }: ComparisonRow) => {
    if (difference === null) return '–';
    const interval =
      low === null || high === null ? '' : ` [${signed(100 * low, 2)}, ${signed(100 * high, 2)}]`;
    return `${signed(100 * difference, 2)}${interval}`;
  };
  return [
    ...(all.length > 1 ? [h('h3', {}, name)] : []),
    h(
      'p',
      { class: 'muted' },
      'Means ± sample standard deviations over the searches. Queries: until the search had the cell that it reports. SD: of the test accuracies of all queried cells.',
    ),
    table(
      `Comparison of the variants of ${name}`,
      ['variant', 'searches', ...cells.map(({ title }) => title)],
      rows.map((row) => [
        row.variant,
        format(row.searches, 'count'),
        ...cells.map(({ title, cell }) =>
          title === 'paper' ? h('span', { class: 'muted' }, cell(row)) : cell(row),
        ),
      ]),
    ),
    ...(against === undefined
      ? []
      : [
          h('h3', { class: 'apart' }, `Beside ${against}`),
          table(
            `Tests of the variants against ${against}`,
            ['variant', 'test accuracy, points [95 %]', 'p, searches', 'p, pretrainings'],
            rows
              .filter(({ variant }) => variant !== against)
              .map((row) => [row.variant, difference(row), probability(row.p), probability(row.pMeans)]),
          ),
          h(
            'p',
            { class: 'muted' },
            'Two-sided Mann–Whitney tests, corrected for the number of variants (Holm). Searches on one pretraining are not independent: the second p counts.',
          ),
        ]),
    ...notes.map((text) => h('p', { class: 'muted' }, text)),
  ];
}

function figures({ figures = [] }: ReportModel): Node[] {
  const parser = new DOMParser();
  return figures.map(({ description, svg }) => {
    const picture = document.importNode(parser.parseFromString(svg, 'image/svg+xml').documentElement, true);
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', description);
    return h(
      'figure',
      { class: 'picture-figure' },
      h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Figure' }, picture),
      h('figcaption', { class: 'muted' }, description),
    );
  });
}

function stages({ runs }: ReportModel): Node[] | undefined {
  const timed = runs.filter((run) => run.stages.some((stage) => stage.seconds > 0));
  if (timed.length === 0) return undefined;
  return timed.flatMap((run) => [...(runs.length > 1 ? [h('h3', {}, run.name)] : []), stageTable(run)]);
}

function stageTable({ name, stages }: RunModel): HTMLElement {
  const total = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return table(
    `Stage timings of ${name}`,
    ['stage', 'rows in', 'rows out', 'dropped', 'time', 'share', 'waiting'],
    stages.map((stage) => [
      stage.stage,
      format(stage.in, 'count'),
      format(stage.out, 'count'),
      format(stage.dropped, 'count'),
      seconds(stage.seconds),
      h(
        'span',
        { class: 'share', style: `--share:${stage.seconds / total}` },
        `${((100 * stage.seconds) / total).toFixed(1)} %`,
      ),
      stage.waiting === 0 ? '–' : seconds(stage.waiting),
    ]),
  );
}

/** Lines of a spec that is shown at once. */
const longestOpen = 100;

function spec({ runs }: ReportModel): Node[] {
  return runs.map((run) =>
    h(
      'article',
      { class: 'run' },
      runs.length > 1 && h('h3', {}, run.name),
      run.reproduce.length > 0 &&
        h(
          'pre',
          { class: 'commands', tabindex: 0, 'aria-label': 'Commands that compute it again' },
          run.reproduce.join('\n'),
        ),
      h(
        'details',
        { open: runs.length === 1 && run.spec.split('\n').length <= longestOpen },
        h('summary', {}, 'The resolved spec'),
        h('pre', { tabindex: 0 }, run.spec),
      ),
    ),
  );
}
