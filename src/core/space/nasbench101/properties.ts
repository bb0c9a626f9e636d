import type { CellCode } from '../space.js';
import { columnShift, edgeBitsOf, opCodeOf, POW3, popcount, verticesOf } from './cell.js';

/**
 * What can be read off a cell, the same for isomorphic ones: vertices, edges, how often each operation occurs, longest and shortest
 * path, most conv3x3 on a path, log2 of the number of paths, degrees of input and output, whether these are joined, and of each
 * operation how many vertices lie behind the input and before the output. Each divided by about its spread over the space.
 */
export function properties(cell: CellCode): number[] {
  const n = verticesOf(cell);
  const edges = edgeBitsOf(cell);
  const ops = opCodeOf(cell);
  const has = (x: number, y: number) => ((edges >>> (columnShift(y) + x)) & 1) === 1;
  const op = (v: number) => Math.floor(ops / POW3[v - 1]!) % 3;

  const longest = new Array<number>(n).fill(0);
  const shortest = new Array<number>(n).fill(n);
  const paths = new Array<number>(n).fill(0);
  const convolutions = new Array<number>(n).fill(0);
  shortest[0] = 0;
  paths[0] = 1;
  for (let y = 1; y < n; y++) {
    for (let x = 0; x < y; x++) {
      if (!has(x, y)) continue;
      longest[y] = Math.max(longest[y]!, longest[x]! + 1);
      shortest[y] = Math.min(shortest[y]!, shortest[x]! + 1);
      convolutions[y] = Math.max(convolutions[y]!, convolutions[x]!);
      paths[y]! += paths[x]!;
    }
    if (y < n - 1 && op(y) === 0) convolutions[y]!++;
  }

  const count = [0, 0, 0];
  const behindInput = [0, 0, 0];
  const beforeOutput = [0, 0, 0];
  for (let v = 1; v < n - 1; v++) {
    count[op(v)]!++;
    if (has(0, v)) behindInput[op(v)]!++;
    if (has(v, n - 1)) beforeOutput[op(v)]!++;
  }
  let outOfInput = 0;
  for (let y = 1; y < n; y++) if (has(0, y)) outOfInput++;
  const intoOutput = popcount(edges >>> columnShift(n - 1));
  const last = n - 1;
  return [
    n,
    popcount(edges) / 1.5,
    ...count,
    longest[last]!,
    shortest[last]! / 0.8,
    convolutions[last]!,
    Math.log2(paths[last]!),
    outOfInput,
    intoOutput,
    has(0, last) ? 2 : 0,
    ...behindInput.map((value) => value / 0.7),
    ...beforeOutput.map((value) => value / 0.7),
  ];
}
