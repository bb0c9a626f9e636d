import type { CellCode } from './space.js';

/**
 * Deals cells out in batches of `size` in which no two are near each other, where that can be: each batch takes the first cells that are left
 * and near to none that it has. What no batch could take fills the last ones.
 *
 * Anchors of one batch that lie within the edit distance of a class would be false negatives of each other (REFERENCE §9).
 *
 * @param cells a multiple of `size`
 */
export function* dealApart(
  cells: Uint32Array,
  size: number,
  near: (a: CellCode, b: CellCode) => boolean,
): Generator<Uint32Array> {
  const left = cells.slice();
  for (let count = left.length; count > 0; count -= size) {
    const batch = new Uint32Array(size);
    let taken = 0;
    let kept = 0;
    const isApart = (cell: CellCode) => {
      for (let i = 0; i < taken; i++) if (near(batch[i]!, cell)) return false;
      return true;
    };
    for (const cell of left.subarray(0, count)) {
      if (taken < size && isApart(cell)) batch[taken++] = cell;
      else left[kept++] = cell;
    }
    // Too few are apart: the first that are left, whatever they are near to.
    batch.set(left.subarray(0, size - taken), taken);
    left.copyWithin(0, size - taken, kept);
    yield batch;
  }
}
