import type { Panel, Series } from '../model.js';
import { h, s, table } from './dom.js';
import { format, tickLabel } from './format.js';
import { linear, logarithmic, type Scale } from './scale.js';

const margin = { top: 8, right: 14, bottom: 38, left: 58 };
const height = 250;
/** Rows of the table that says a chart in numbers. */
const tableRows = 20;

/** A chart on the page, which newer panels are drawn into. */
export interface Chart {
  element: HTMLElement;
  update(panel: Panel): void;
}

/** A chart that fits its place: lines with bands, a reading of all lines at the pointer or the arrow keys, and a table of it. */
export function chart(first: Panel): Chart {
  let panel = first;
  let width = 0;
  const svg = s('svg', { height, role: 'img', tabindex: 0 });
  const place = h('div', { class: 'plot' }, svg);
  const reading = h('p', { class: 'reading', 'aria-live': 'polite' });
  const title = h('h3');
  const note = h('p', { class: 'muted' });
  const key = h('ul', { class: 'legend' });
  const table = h('details', {}, h('summary', {}, 'In numbers'));
  const reader = readerOf(svg, reading);

  const draw = () => {
    const { parts, ...drawn } = plot(panel, width);
    svg.setAttribute('width', String(width));
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`); // paper has another width
    svg.replaceChildren(...parts);
    reader(panel, drawn);
  };
  const update = (newer: Panel) => {
    panel = newer;
    title.textContent = panel.title;
    note.textContent = panel.note;
    svg.setAttribute('aria-label', spoken(panel));
    key.replaceChildren(...(panel.series.length > 1 ? legend(panel) : []));
    table.replaceChildren(table.firstChild!, ...(table.open ? [numbers(panel)] : []));
    if (width > 0) draw();
  };
  table.addEventListener('toggle', () => update(panel));
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry!.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    draw();
  }).observe(place);
  update(panel);
  return {
    element: h(
      'figure',
      { class: 'chart', id: panel.id },
      h('figcaption', {}, title, note),
      ...[place, reading, key, table],
    ),
    update,
  };
}

const colourOf = (index: number) => `var(--series-${index % 8})`;
const dashOf = (index: number) => (index < 8 ? undefined : '5 3');

const legend = ({ series }: Panel) =>
  series.map(({ name }, i) =>
    h(
      'li',
      {},
      s(
        'svg',
        { width: 22, height: 8, 'aria-hidden': 'true' },
        s('line', {
          x1: 0,
          x2: 22,
          y1: 4,
          y2: 4,
          stroke: colourOf(i),
          'stroke-width': 2.5,
          'stroke-dasharray': dashOf(i),
        }),
      ),
      name,
    ),
  );

/** What a panel looks like in a width. */
interface Drawn {
  x: Scale;
  y: Scale;
  /** Where the place that is read is shown. */
  cross: SVGElement;
}

function plot(panel: Panel, width: number): Drawn & { parts: SVGElement[] } {
  const { series, unit } = panel;
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const x = linear(extent(series.flatMap((line) => line.x)), [margin.left, right], Math.max(2, width / 110));
  const shown = series.flatMap(({ y, low = [], high = [] }) => [...y, ...low, ...high]).filter(isNumber);
  const domain = extent(panel.log ? shown.filter((value) => value > 0) : shown);
  const y = (panel.log ? logarithmic : linear)(padded(domain, panel.log), [bottom, margin.top], 5);
  const cross = s('g', { class: 'cross' });
  const parts = [
    ...y.ticks.map(({ value, step }) =>
      s(
        'g',
        { class: 'tick', transform: `translate(0 ${y(value)})` },
        s('line', { x1: margin.left, x2: right }),
        s('text', { x: margin.left - 8, dy: '0.32em', 'text-anchor': 'end' }, tickLabel(value, step, unit)),
      ),
    ),
    ...x.ticks.map(({ value, step }) =>
      s('text', { x: x(value), y: bottom + 18, 'text-anchor': 'middle' }, tickLabel(value, step, 'count')),
    ),
    s('line', { class: 'axis', x1: margin.left, x2: right, y1: bottom, y2: bottom }),
    s('text', { class: 'title', x: right, y: height - 4, 'text-anchor': 'end' }, panel.x),
    ...series.flatMap((line, i) =>
      line.low
        ? [s('path', { class: 'band', d: bandPath(line, panel, x, y, domain[0]), fill: colourOf(i) })]
        : [],
    ),
    ...series.map((line, i) =>
      s('path', {
        class: 'line',
        d: linePath(line.x, line.y, panel.steps, x, y),
        stroke: colourOf(i),
        'stroke-dasharray': dashOf(i),
      }),
    ),
    cross,
  ];
  return { x, y, cross, parts };
}

/**
 * Reads all lines at one place: that of the pointer, moved by the arrow keys. What it returns is told what is drawn; a place that is being read
 * is read on in it.
 */
function readerOf(svg: SVGElement, reading: HTMLElement): (panel: Panel, drawn: Drawn) => void {
  let panel: Panel;
  let drawn: Drawn;
  let places: readonly number[] = [];
  /** Absent while nothing is read. */
  let read: number | undefined;

  const show = (to: number) => {
    read = Math.max(0, Math.min(places.length - 1, to));
    const at = places[read]!;
    const { series, unit, x: axis } = panel;
    const { x, y, cross } = drawn;
    const found = series.flatMap((line, i) => {
      const value = valueAt(line, at);
      return value === undefined ? [] : [{ ...value, name: line.name, colour: colourOf(i) }];
    });
    cross.replaceChildren(
      s('line', { x1: x(at), x2: x(at), y1: margin.top, y2: height - margin.bottom }),
      ...found
        .filter(({ y: value }) => Number.isFinite(y(value)))
        .map((each) => s('circle', { cx: x(at), cy: y(each.y), r: 3.5, fill: each.colour })),
    );
    reading.replaceChildren(
      h('span', {}, `${axis} ${format(at, 'count')}`),
      ...found.map(({ name, colour, y: value, low, high }) =>
        h(
          'span',
          {},
          h('b', { style: `color:${colour}` }, series.length > 1 ? `${name} ` : ''),
          format(value, unit),
          isNumber(low) && isNumber(high) ? ` (${format(low, unit)} – ${format(high, unit)})` : '',
        ),
      ),
    );
  };
  const hide = () => {
    read = undefined;
    drawn.cross.replaceChildren();
    reading.replaceChildren();
  };
  svg.addEventListener('pointermove', (event) => {
    const at = drawn.x.invert(event.clientX - svg.getBoundingClientRect().left);
    const next = places.findIndex((place) => place >= at);
    show(next < 0 ? places.length - 1 : next);
  });
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', (event) => {
    const stride = event.shiftKey ? 10 : 1;
    const from = read ?? places.length - 1;
    const to = { ArrowLeft: from - stride, ArrowRight: from + stride, Home: 0, End: places.length - 1 }[
      event.key
    ];
    if (event.key === 'Escape') hide();
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
  return (newer, how) => {
    const at = read === undefined ? undefined : places[read];
    panel = newer;
    drawn = how;
    places = [...panel.series].sort((a, b) => b.x.length - a.x.length)[0]!.x;
    if (at === undefined) return;
    const index = places.findIndex((place) => place >= at);
    show(index < 0 ? places.length - 1 : index);
  };
}

/** The value of a line at a place: the newest up to there; undefined before its start and beyond its end. */
function valueAt({ x, y, low, high }: Series, at: number) {
  const index = x.findLastIndex((place) => place <= at);
  const value = y[index];
  if (index < 0 || !isNumber(value) || (index === x.length - 1 && x[index]! < at)) return undefined;
  return { y: value, low: low?.[index], high: high?.[index] };
}

/** A path over the values; a gap where there is none. */
function linePath(xs: readonly number[], ys: Series['y'], steps: boolean, x: Scale, y: Scale): string {
  let path = '';
  let open = false;
  for (const [i, value] of ys.entries()) {
    const at = isNumber(value) ? y(value) : Number.NaN;
    if (!Number.isFinite(at)) {
      open = false;
      continue;
    }
    const to = x(xs[i]!).toFixed(1);
    path += open
      ? steps
        ? `H${to}V${at.toFixed(1)}`
        : `L${to} ${at.toFixed(1)}`
      : `M${to} ${at.toFixed(1)}`;
    open = true;
  }
  return path;
}

/** The area between the ends of the intervals; on a logarithmic axis, ends below it are moved to its foot. */
function bandPath(
  { x: xs, low, high }: Series,
  { steps, log }: Panel,
  x: Scale,
  y: Scale,
  foot: number,
): string {
  const known = xs.flatMap((at, i) =>
    isNumber(low![i]) && isNumber(high![i]) ? [{ at, low: low![i]!, high: high![i]! }] : [],
  );
  if (known.length === 0) return '';
  const ends = (value: number) => (log && value <= 0 ? foot : value);
  const upper = linePath(
    known.map(({ at }) => at),
    known.map((each) => ends(each.high)),
    steps,
    x,
    y,
  );
  const back = known.toReversed();
  const lower = back
    .map((each, i) => {
      const [to, at] = [x(each.at).toFixed(1), y(ends(each.low)).toFixed(1)];
      // Backwards, a step goes up or down first.
      return steps && i > 0 ? `V${at}H${to}` : `L${to} ${at}`;
    })
    .join('');
  return `${upper}${lower}Z`;
}

function numbers({ x, series, unit, title }: Panel): HTMLElement {
  const [longest] = [...series].sort((a, b) => b.x.length - a.x.length);
  const every = Math.max(1, Math.ceil(longest!.x.length / tableRows));
  const places = longest!.x.filter((_, i, all) => (all.length - 1 - i) % every === 0);
  return table(
    title,
    [x, ...series.map(({ name }) => name)],
    places.map((at) => [
      format(at, 'count'),
      ...series.map((line) => {
        const value = valueAt(line, at);
        if (!value) return '–';
        const interval =
          isNumber(value.low) && isNumber(value.high)
            ? ` (${format(value.low, unit)} – ${format(value.high, unit)})`
            : '';
        return `${format(value.y, unit)}${interval}`;
      }),
    ]),
    [true, ...series.map(() => true)],
  );
}

/** What a screen reader says of a chart. */
function spoken({ title, x, series, unit }: Panel): string {
  const lines = series.map(({ name, x: xs, y }) => {
    const [first, last] = [y.findIndex(isNumber), y.findLastIndex(isNumber)];
    return `${name}: from ${format(y[first], unit)} at ${x} ${format(xs[first], 'count')} to ${format(y[last], unit)} at ${format(xs[last], 'count')}`;
  });
  return `${title}. ${lines.join('. ')}. Arrow keys read values.`;
}

const isNumber = (value: number | null | undefined): value is number => typeof value === 'number';

function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Room above and below. */
function padded([low, high]: [number, number], log: boolean): [number, number] {
  if (log) return [low / 1.15, high * 1.15];
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - room, high + room];
}
