import { dataError } from '../../errors.js';
import type { NumberColumn } from '../figures.js';

export const scales = ['auto', 'fraction', 'percent'] as const;
export type Scale = (typeof scales)[number];

/** A value that cannot be an accuracy, and where. */
export interface Misfit {
  row: number;
  message: string;
}

/**
 * Whether a column of accuracies is in per cent, or the first row that fits neither way. With `auto` a column is in per cent where most
 * values are above 1 and none above 100; a fraction among per cents is told from a real value of 1 % and less by being a likely accuracy
 * itself.
 */
export function scaleOf(values: NumberColumn, wish: Scale): 'fraction' | 'percent' | Misfit {
  let known = 0;
  let above = 0;
  let largest = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    known++;
    if (value > 1) above++;
    if (value > largest) largest = value;
  }
  const scale = wish === 'auto' ? (2 * above > known ? 'percent' : 'fraction') : wish;
  const most = scale === 'percent' ? 100 : 1;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value < 0 || value > most)
      return {
        row,
        message: `has ${value}, where ${scale === 'percent' ? 'per cent' : 'fractions'} are expected`,
      };
    if (
      wish === 'auto' &&
      scale === 'percent' &&
      value > 0 &&
      value < 1 &&
      100 * value <= largest &&
      100 * value >= 10
    )
      return { row, message: `has ${value}, a fraction among per cents` };
  }
  return scale;
}

/** The message for a misfit in a column of a file. */
export const misfitError = (path: string, column: string, sourceRow: number, { message }: Misfit) =>
  dataError(
    `${path}: row ${sourceRow}, column '${column}' ${message}`,
    'put the table right, or say what it is: --scale fraction or --scale percent',
  );
