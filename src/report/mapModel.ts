import { principalComponents } from '../core/statistics/principalComponents.js';
import { column } from './column.js';
import type { Accuracies, MapModel } from './model.js';

/** Embeddings of cells and what is known of them; row i of everything is that of `cells[i]`. */
export interface MapData {
  source: string;
  space: string;
  cells: Uint32Array;
  /** Row-major [cells, width]. */
  embeddings: Float32Array;
  width: number;
  /** Where to put the cells instead of on their principal axes, row-major [cells, 2]. */
  places?: Float32Array;
  /** Where UMAP has put the cells, row-major [cells, 2]. */
  umap?: Float32Array;
  benchmark?: string;
  /** Fractions; NaN where not known. Kinds of which none is known are left out. */
  accuracies?: { id: Accuracies['id']; name: string; values: Float64Array }[];
  errors?: { length: number; values: Uint8Array };
}

/**
 * The map of a report. Embeddings are turned onto their principal axes, which keeps their distances; the first two axes are the first layout,
 * and all of them, rounded to 255 steps of the longest, are what neighbours are found by in the page.
 */
export function mapModel(data: MapData): MapModel {
  const { source, space, cells, embeddings, width, places, umap, benchmark, accuracies = [], errors } = data;
  const { points, variances } = principalComponents(embeddings, width);
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  const shares = [...variances.subarray(0, 2)].map(
    (variance) => `${((100 * variance) / (total || 1)).toFixed(0)} %`,
  );
  return {
    source,
    space,
    rows: cells.length,
    cells: column(cells),
    layouts: [
      ...(umap
        ? [{ name: 'UMAP', note: 'neighbours stay together, distances mean little', ...layout(umap, 2) }]
        : []),
      {
        name: 'principal components',
        note: `the two axes along which the embeddings vary most: ${shares.join(' and ')} of their variance`,
        ...(places ? layout(places, 2) : layout(points, width)),
      },
    ],
    embedding: steps(points, width),
    ...(benchmark !== undefined && { benchmark }),
    accuracies: accuracies.flatMap((each) => quantised(each) ?? []),
    ...(errors && { errors: { length: errors.length, values: column(errors.values) } }),
  };
}

/** Smallest and largest of a coordinate of points. */
function rangeAlong(points: Float32Array, width: number, axis: number): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = axis; at < points.length; at += width) {
    low = Math.min(low, points[at]!);
    high = Math.max(high, points[at]!);
  }
  return [low, high];
}

/** The first two coordinates; the longer of the axes from 0 to 65,535, the other on the same scale in its middle. */
function layout(points: Float32Array, width: number): Pick<MapModel['layouts'][0], 'x' | 'y'> {
  const ranges = [rangeAlong(points, width, 0), rangeAlong(points, width, 1)] as const;
  const span = Math.max(...ranges.map(([low, high]) => high - low)) || 1;
  const [x, y] = ranges.map(([low, high], axis) => {
    const start = (low + high - span) / 2;
    return column(
      Uint16Array.from({ length: points.length / width }, (_, i) =>
        Math.round(((points[i * width + axis]! - start) / span) * 65_535),
      ),
    );
  });
  return { x: x!, y: y! };
}

function steps(points: Float32Array, width: number): MapModel['embedding'] {
  const ranges = Array.from({ length: width }, (_, axis) => rangeAlong(points, width, axis));
  const step = Math.max(...ranges.map(([low, high]) => high - low)) / 255 || 1;
  const rows = points.length / width;
  const values = new Uint8Array(points.length);
  for (const [axis, [low]] of ranges.entries()) {
    for (let i = 0; i < rows; i++)
      values[axis * rows + i] = Math.round((points[i * width + axis]! - low) / step);
  }
  return { width, step, values: column(values) };
}

/** Value of {@link Accuracies} for what is not known. */
const unknown = 65_535;

function quantised({ id, name, values }: NonNullable<MapData['accuracies']>[0]): Accuracies | undefined {
  let [low, high, known] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    known++;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (known === 0) return undefined;
  const scale = (unknown - 1) / (high - low || 1);
  const packed = Uint16Array.from(values, (value) =>
    Number.isFinite(value) ? Math.round((value - low) * scale) : unknown,
  );
  return { id, name, known, low, high, values: column(packed) };
}
