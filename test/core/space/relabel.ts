import { cellFromMatrix, nasbench101 } from '../../../src/core/space/nasbench101.js';
import type { CellCode } from '../../../src/core/space/space.js';

/** The cell with its interior vertices in another topological order; `choose(n)` gives numbers in [0, n). */
export function relabel(cell: CellCode, choose: (n: number) => number): CellCode {
  const { matrix, ops } = nasbench101.describe(cell) as { matrix: number[][]; ops: string[] };
  const order = [0];
  while (order.length < ops.length) {
    const ready = ops
      .map((_, v) => v)
      .filter((v) => !order.includes(v) && matrix.every((row, u) => row[v] === 0 || order.includes(u)))
      .filter((v, _, all) => v !== ops.length - 1 || all.length === 1);
    order.push(ready[choose(ready.length)]!);
  }
  return cellFromMatrix(
    order.map((u) => order.map((v) => matrix[u]![v]!)),
    order.map((v) => ops[v]!),
  );
}
