import { format } from '../format.js';
import type { Colouring } from './colours.js';
import { limit } from './distances.js';
import { accuracyOf, type MapData, unknown } from './mapData.js';
import { depthsOf } from './spaces.js';

/** One entry of the list "Colour by". */
export interface ColourChoice {
  id: string;
  label: string;
  /** @param distances edit distances to the selected cell; absent without one */
  make(distances: Uint8Array | undefined): Colouring;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What the points of a map can be coloured by, what says most first. */
export function colourChoices(data: MapData): ColourChoice[] {
  const { space, cells, errors, model } = data;
  return [
    ...data.accuracies.map((accuracies) => ({
      id: accuracies.id,
      label: capital(accuracies.name),
      make: once(() => byAccuracy(data, accuracies)),
    })),
    ...(space
      ? [
          { id: 'depth', label: 'Depth', make: once(() => byDepth(depthsOf(space, cells))) },
          { id: 'distance', label: 'Edit distance to the selected cell', make: byDistance },
        ]
      : []),
    ...(errors
      ? [
          {
            id: 'loss',
            label: 'Loss: tokens decoded wrongly',
            make: once(() => byErrors(errors, model.errors!.length)),
          },
        ]
      : []),
  ];
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Share of the cells below the first colour: a few very bad ones must not take all colours. */
const tail = 0.05;

function byAccuracy({ model }: MapData, accuracies: MapData['accuracies'][0]): Colouring {
  const { name, values, known, high } = accuracies;
  const sorted = values.filter((value) => value !== unknown).sort();
  const from = sorted[Math.floor(tail * sorted.length)]!;
  const low = accuracyOf({ ...accuracies, values: Uint16Array.of(from) }, 0)!;
  const span = unknown - 1 - from || 1;
  return {
    values: Uint8Array.from(values, (value) =>
      value === unknown ? 255 : Math.round((254 * Math.max(0, value - from)) / span),
    ),
    blend: 'mean',
    legend: {
      title: capital(name),
      note: [model.benchmark, known < values.length && `known of ${format(known, 'count')} cells`]
        .filter(Boolean)
        .join('; '),
      bar: true,
      marks: [
        { at: 0, label: `≤ ${format(low, 'fraction')}` },
        { at: 127, label: format((low + high) / 2, 'fraction') },
        { at: 254, label: format(high, 'fraction') },
      ],
      ...(known < values.length && { rest: 'not known' }),
    },
  };
}

const distanceColour = (distance: number) => (distance > limit ? 255 : Math.round((254 * distance) / limit));

function byDistance(distances: Uint8Array | undefined): Colouring {
  return {
    values: distances?.map(distanceColour) ?? new Uint8Array(0),
    blend: 'least',
    legend: {
      title: 'Edit distance to the selected cell',
      note: 'exact graph edit distance, in edits',
      reversed: true,
      bar: false,
      marks: Array.from({ length: limit + 1 }, (_, distance) => ({
        at: distanceColour(distance),
        label: String(distance),
      })),
      rest: `more than ${limit}`,
    },
  };
}

function byDepth(depths: Uint8Array): Colouring {
  const most = depths.reduce((a, b) => Math.max(a, b), 0);
  const least = depths.reduce((a, b) => Math.min(a, b), most);
  const colour = (depth: number) => Math.round((254 * (depth - least)) / (most - least || 1));
  return {
    values: depths.map(colour),
    blend: 'mean',
    legend: {
      title: 'Depth',
      note: 'edges of the longest path from input to output; a pixel of several cells shows their mean',
      bar: false,
      marks: Array.from({ length: most - least + 1 }, (_, i) => ({
        at: colour(least + i),
        label: String(least + i),
      })),
    },
  };
}

function byErrors(errors: Uint8Array, length: number): Colouring {
  const most = Math.max(
    1,
    errors.reduce((a, b) => Math.max(a, b), 0),
  );
  const colour = (wrong: number) => Math.round(254 * (1 - wrong / most));
  const wrong = errors.reduce((sum, each) => sum + Number(each > 0), 0);
  return {
    values: errors.map(colour),
    blend: 'least',
    legend: {
      title: 'Loss: tokens decoded wrongly',
      note: `of the ${length} of a cell, decoded greedily from its embedding; ${format(wrong, 'count')} of ${format(errors.length, 'count')} cells have any`,
      reversed: true,
      bar: true,
      marks: [...new Set([0, Math.round(most / 2), most])].map((value) => ({
        at: colour(value),
        label: String(value),
      })),
    },
  };
}
