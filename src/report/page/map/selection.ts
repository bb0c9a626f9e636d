import { h } from '../dom.js';
import { format } from '../format.js';
import { drawGraph } from './cellGraph.js';
import { accuracyOf, type MapData } from './mapData.js';
import { type Neighbour, nearest } from './neighbours.js';
import { graphOf, layersOf } from './spaces.js';

/** Neighbours that are listed and marked. */
const count = 10;

export const neighboursOf = ({ embedding, model }: MapData, row: number): Neighbour[] =>
  nearest(embedding, model.rows, model.embedding.step, row, count);

/** Number of a cell in its space; of a space that the page does not know, its code. */
export const cellName = ({ space, cells }: MapData, row: number): string =>
  `Cell ${format(space ? space.idOf(cells[row]!) : cells[row]!, 'count')}`;

/** A cell in a few words: its name and accuracies. */
export const inWords = (data: MapData, row: number): string =>
  [
    cellName(data, row),
    ...data.accuracies.map((each) => `${each.name} ${format(accuracyOf(each, row), 'fraction')}`),
  ].join(', ');

/** Everything about one cell: its graph, what is known of it, its nearest neighbours, which can be selected in turn. */
export function describeCell(
  data: MapData,
  row: number,
  neighbours: readonly Neighbour[],
  select: (row: number) => void,
): Node[] {
  const { space, cells, accuracies, errors, model } = data;
  const cell = cells[row]!;
  const fact = (name: string, value: string, kind?: string) => [
    h('dt', { class: kind }, name),
    h('dd', { class: kind }, value),
  ];
  const graph = space && graphOf(space, cell);
  const described = space?.describe(cell);
  return [
    h('h3', {}, cellName(data, row)),
    ...(graph ? [drawGraph(graph)] : []),
    h(
      'dl',
      { class: 'facts' },
      ...accuracies.flatMap((each) => fact(each.name, format(accuracyOf(each, row), 'fraction'), 'strong')),
      ...(graph ? fact('depth', String(layersOf(graph).at(-1))) : []),
      ...(errors ? fact('tokens wrong', `${errors[row]} of ${model.errors!.length}`) : []),
      ...(described ? fact('text', described.text, 'code') : []),
      ...(described && described.hash !== described.text ? fact('hash', described.hash, 'code') : []),
    ),
    h('h4', {}, 'Nearest in the embedding'),
    h(
      'ol',
      { class: 'neighbours' },
      ...neighbours.map(({ row: other, distance }) => {
        const edits = space?.distance(cell, cells[other]!);
        const [first] = accuracies;
        return h(
          'li',
          {},
          h(
            'button',
            { type: 'button', click: () => select(other) },
            h('span', {}, cellName(data, other)),
            h('span', {}, first ? format(accuracyOf(first, other), 'fraction') : ''),
            h('span', {}, edits === undefined ? '' : `${edits} ${edits === 1 ? 'edit' : 'edits'}`),
            h('span', { 'aria-label': `distance ${distance.toFixed(2)}` }, distance.toFixed(2)),
          ),
        );
      }),
    ),
  ];
}
