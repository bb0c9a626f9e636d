/** What a figure of a table is: a training's accuracies are fractions in [0, 1], its time is in seconds. */
export const quantities = ['validation', 'test', 'train', 'seconds'] as const;
export type Quantity = (typeof quantities)[number];

/** When in a training a figure was taken. */
export type Point = 'end' | 'half';

/** Which figure a column holds; equal for all cells of a table. */
export interface Figure {
  /** Data set that the networks were trained on, e.g. `cifar10`. */
  dataset: string;
  /** Epochs of the training; 0 where a table does not say. */
  epochs: number;
  point: Point;
  quantity: Quantity;
  /** Which of the trainings of a cell, from 1. */
  repeat: number;
}

/** Name of a figure's column, e.g. `cifar10_108_validation_1`, `cifar10_108_half_seconds_3`, `mnist_test_1`. */
export function columnName({ dataset, epochs, point, quantity, repeat }: Figure): string {
  return [
    dataset,
    ...(epochs > 0 ? [epochs] : []),
    ...(point === 'half' ? ['half'] : []),
    quantity,
    repeat,
  ].join('_');
}

/** The arrays that figures lie in; NaN where a table has none. Of two widths: the narrow one where that loses nothing. */
export type NumberColumn = Float32Array | Float64Array;

/** One column of a benchmark table. */
export interface FigureColumn extends Figure {
  values: NumberColumn;
}

const ofQuantity: Record<Quantity, number> = { validation: 0, test: 1, train: 2, seconds: 3 };

/** Data sets in order of appearance, then the longest training, the end before half-way, quantities, repeats. */
export function sortFigures<T extends Figure>(figures: readonly T[]): T[] {
  const datasets = [...new Set(figures.map(({ dataset }) => dataset))];
  return [...figures].sort(
    (a, b) =>
      datasets.indexOf(a.dataset) - datasets.indexOf(b.dataset) ||
      b.epochs - a.epochs ||
      Number(a.point === 'half') - Number(b.point === 'half') ||
      ofQuantity[a.quantity] - ofQuantity[b.quantity] ||
      a.repeat - b.repeat,
  );
}
