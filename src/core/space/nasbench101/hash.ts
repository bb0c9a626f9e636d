import { createHash } from 'node:crypto';
import type { CellCode } from '../space.js';
import { columnShift, opCodeOf, verticesOf } from './cell.js';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/**
 * nasbench's hash of a cell (`graph_util.hash_module`), equal for isomorphic cells: each vertex begins as the MD5 of
 * `(out-degree, in-degree, label)`, labels -1 for the input, -2 for the output and the op digit otherwise; then, once for
 * each vertex of the cell, all vertices take in the sorted hashes of their in- and out-neighbours; last, the MD5 of the
 * sorted list as Python prints it.
 */
export function moduleHash(cell: CellCode): string {
  const vertices = verticesOf(cell);
  const inMask: number[] = [];
  const outMask: number[] = Array(vertices).fill(0);
  for (let y = 0; y < vertices; y++) {
    inMask.push((cell >>> columnShift(y)) & ((1 << y) - 1));
    for (let x = 0; x < y; x++) outMask[x]! |= ((inMask[y]! >>> x) & 1) << y;
  }
  const members = (mask: number) => inMask.map((_, v) => v).filter((v) => (mask >>> v) & 1);
  let ops = opCodeOf(cell);
  let hashes = inMask.map((mask, v) => {
    let label = v === 0 ? -1 : -2;
    if (v > 0 && v < vertices - 1) {
      label = ops % 3;
      ops = (ops / 3) | 0;
    }
    return md5(`(${members(outMask[v]!).length}, ${members(mask).length}, ${label})`);
  });
  for (let round = 0; round < vertices; round++) {
    const joined = (mask: number) =>
      members(mask)
        .map((v) => hashes[v]!)
        .sort()
        .join('');
    hashes = hashes.map((own, v) => md5(`${joined(inMask[v]!)}|${joined(outMask[v]!)}|${own}`));
  }
  return md5(
    `[${hashes
      .sort()
      .map((hash) => `'${hash}'`)
      .join(', ')}]`,
  );
}
