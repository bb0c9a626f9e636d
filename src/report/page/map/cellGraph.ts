import { s } from '../dom.js';
import { type CellGraph, layersOf } from './spaces.js';

const [boxWidth, boxHeight, rowHeight, columnWidth] = [88, 26, 50, 100];

interface Place {
  layer: number;
  column: number;
}

/** A cell drawn from top to bottom: vertices in layers, each below all that lead to it; edges pass between those of the layers on their way. */
export function drawGraph(graph: CellGraph): SVGSVGElement {
  const { labels, edges } = graph;
  const { places, ways } = layOut(graph);
  const columns =
    Math.max(...places.map(({ column }) => column), ...ways.flat().map(({ column }) => column)) + 1;
  const width = columns * columnWidth;
  const height = places.at(-1)!.layer * rowHeight + boxHeight + 4;
  const x = ({ column }: Place) => (column + 0.5) * columnWidth;
  const y = ({ layer }: Place) => layer * rowHeight + 2;
  const lines = edges.map(([from, to], i) => {
    const way = [places[from]!, ...ways[i]!, places[to]!];
    let path = `M${x(way[0]!)} ${y(way[0]!) + boxHeight}`;
    for (const [a, b] of way.slice(1).map((next, k) => [way[k]!, next] as const)) {
      const start = y(a) + boxHeight;
      const end = y(b) - (b === way.at(-1) ? 2 : 0);
      const bend = (end - start) / 2;
      path += `C${x(a)} ${start + bend} ${x(b)} ${end - bend} ${x(b)} ${end}`;
      if (b !== way.at(-1)) path += `V${y(b) + boxHeight}`;
    }
    return s('path', { d: path, 'marker-end': 'url(#arrow)' });
  });
  const boxes = labels.map((label, i) =>
    s(
      'g',
      { class: `op ${label.replace('×', 'x').replaceAll(' ', '-')}` },
      s('rect', {
        x: x(places[i]!) - boxWidth / 2,
        y: y(places[i]!),
        width: boxWidth,
        height: boxHeight,
        rx: i % (labels.length - 1) === 0 ? boxHeight / 2 : 5,
      }),
      s(
        'text',
        { x: x(places[i]!), y: y(places[i]!) + boxHeight / 2, dy: '0.35em', 'text-anchor': 'middle' },
        label,
      ),
    ),
  );
  const named = edges.map(([from, to]) => `${labels[from]} ${from} to ${labels[to]} ${to}`);
  return s(
    'svg',
    {
      class: 'cell',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': `Graph of the cell: ${named.join(', ')}`,
    },
    s(
      'defs',
      {},
      s(
        'marker',
        {
          id: 'arrow',
          viewBox: '0 0 8 8',
          refX: 7,
          refY: 4,
          markerWidth: 6,
          markerHeight: 6,
          orient: 'auto',
        },
        s('path', { class: 'head', d: 'M0 0L8 4L0 8z' }),
      ),
    ),
    ...lines,
    ...boxes,
  );
}

/** Layers by the longest path from the input; long edges have a place in each layer that they pass. Layers are ordered by what leads to them. */
function layOut(graph: CellGraph): { places: Place[]; ways: Place[][] } {
  const { labels, edges } = graph;
  const layer = layersOf(graph);
  const layers: { place: Place; above: Place[] }[][] = Array.from(
    { length: Math.max(...layer) + 1 },
    () => [],
  );
  const places = labels.map((_, i): Place => ({ layer: layer[i]!, column: 0 }));
  const entries = places.map((place) => {
    const entry = { place, above: [] as Place[] };
    layers[place.layer]!.push(entry);
    return entry;
  });
  const ways = edges.map(([from, to]) => {
    const way: Place[] = [];
    let last = places[from]!;
    for (let between = layer[from]! + 1; between < layer[to]!; between++) {
      const place = { layer: between, column: 0 };
      layers[between]!.push({ place, above: [last] });
      way.push(place);
      last = place;
    }
    entries[to]!.above.push(last);
    return way;
  });
  const widest = Math.max(...layers.map((each) => each.length));
  for (const each of layers) {
    const middle = ({ above }: { above: Place[] }) =>
      above.reduce((sum, { column }) => sum + column, 0) / Math.max(1, above.length);
    each.sort((a, b) => middle(a) - middle(b));
    for (const [i, { place }] of each.entries()) place.column = i + (widest - each.length) / 2;
  }
  return { places, ways };
}
