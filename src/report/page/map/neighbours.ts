export interface Neighbour {
  row: number;
  /** Euclidean. */
  distance: number;
}

/**
 * The `count` rows nearest to a row, itself left out, nearest first.
 * @param values coordinate by coordinate, [width, rows], in steps of `step`
 */
export function nearest(
  values: Uint8Array,
  rows: number,
  step: number,
  row: number,
  count: number,
): Neighbour[] {
  const squares = new Uint32Array(rows);
  for (let start = 0; start < values.length; start += rows) {
    const own = values[start + row]!;
    for (let i = 0; i < rows; i++) {
      const difference = values[start + i]! - own;
      squares[i]! += difference * difference;
    }
  }
  const found: { row: number; square: number }[] = [];
  for (let i = 0; i < rows; i++) {
    const square = squares[i]!;
    if (i === row || (found.length === count && square >= found[count - 1]!.square)) continue;
    const at = found.findLastIndex((other) => other.square <= square) + 1;
    found.splice(at, 0, { row: i, square });
    if (found.length > count) found.pop();
  }
  return found.map(({ row, square }) => ({ row, distance: step * Math.sqrt(square) }));
}
