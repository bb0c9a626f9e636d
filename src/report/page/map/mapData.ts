import type { Space } from '../../../core/space/space.js';
import type { Accuracies, MapModel } from '../../model.js';
import { unpack } from './columns.js';
import { spaces } from './spaces.js';

/** The columns of a map, unpacked. */
export interface MapData {
  model: MapModel;
  /** Undefined for a space that the page does not know. */
  space: Space | undefined;
  cells: Uint32Array;
  layouts: { name: string; note: string; x: Uint16Array; y: Uint16Array }[];
  embedding: Uint8Array;
  accuracies: (Omit<Accuracies, 'values'> & { values: Uint16Array })[];
  errors: Uint8Array | undefined;
}

export async function unpackMap(model: MapModel): Promise<MapData> {
  const { layouts, embedding, accuracies, errors } = model;
  const [cells, points, places, known, wrong] = await Promise.all([
    unpack(model.cells),
    unpack(embedding.values),
    Promise.all(layouts.map(async (each) => ({ ...each, x: await unpack(each.x), y: await unpack(each.y) }))),
    Promise.all(accuracies.map(async (each) => ({ ...each, values: await unpack(each.values) }))),
    errors && unpack(errors.values),
  ]);
  return {
    model,
    space: spaces[model.space],
    cells: cells as Uint32Array,
    layouts: places as MapData['layouts'],
    embedding: points as Uint8Array,
    accuracies: known as MapData['accuracies'],
    errors: wrong as Uint8Array | undefined,
  };
}

/** Value of a column of accuracies for what is not known. */
export const unknown = 65_535;

/** A cell's accuracy, a fraction; undefined where it is not known. */
export const accuracyOf = (
  { low, high, values }: MapData['accuracies'][0],
  row: number,
): number | undefined =>
  values[row] === unknown ? undefined : low + (values[row]! / (unknown - 1)) * (high - low);
