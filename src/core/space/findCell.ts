import { usageError } from '../errors.js';
import { type CellCode, NO_CELL, type Space } from './space.js';

/**
 * The cell that a text names, in canonical form: its id (its place in the space, a number), its hash, its tokens (numbers, by commas or spaces), or
 * what `space.parse` takes. Looking for a hash takes seconds in a large space. Throws exit code 2 where it is no cell of the space.
 */
export function findCell(space: Space, text: string): CellCode {
  const cells = space.cells();
  if (/^[0-9a-f]{32}$/i.test(text)) {
    const cell = cells.find((each) => space.hash(each) === text.toLowerCase());
    if (cell !== undefined) return cell;
    throw usageError(
      `no cell of ${space.name} has the hash ${text}`,
      'check the hash, or give matrix and ops',
    );
  }
  const numbers = text
    .match(/^\s*\[?\s*(\d+(?:[\s,]+\d+)*)\s*\]?\s*$/)?.[1]
    ?.split(/[\s,]+/)
    .map(Number);
  if (numbers?.length === 1 && numbers[0]! < 2 ** 32) {
    const cell = cells[numbers[0]!];
    if (cell !== undefined) return cell;
    throw usageError(`there is no cell ${text} in ${space.name}`, `give an id from 0 to ${space.size - 1}`);
  }
  if (numbers && numbers.length > 1) return cellOfTokens(space, numbers);
  return space.canonical(space.parse(text));
}

function cellOfTokens(space: Space, tokens: readonly number[]): CellCode {
  const padded = Int32Array.from({ length: space.sequenceLength }, (_, i) => tokens[i] ?? 0);
  const cell = tokens.length > space.sequenceLength ? NO_CELL : space.decode(padded, 0);
  if (cell !== NO_CELL) return space.canonical(cell);
  throw usageError(
    `the tokens ${tokens.join(' ')} are no cell of ${space.name}`,
    'column by column of the matrix, 1 for no edge and 2 for an edge, then the operation of the vertex',
  );
}
