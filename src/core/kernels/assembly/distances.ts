/**
 * The n × n matrices of dot products and distances. Each pair is computed once, in blocks of 4 × 4, and written both ways: a call for rows
 * `from` (a multiple of 4) to `to` fills these up to the diagonal and the columns above them. Every sum runs over its terms in ascending
 * order, as a plain loop would: lanes hold different sums, never parts of one.
 *
 * `panels` are the normalised embeddings u four by four, each four as [dim][4], rows beyond the last one 0. `squares` (‖u‖²) and
 * `shifts` have a number for each of those rows. Scratch: two blocks [4][4].
 */

/** Bytes of a row of a block, and of a block. */
const BLOCK_ROW: usize = 32;
const BLOCK: usize = 128;

// What is made of a dot product.
const DOT = 0;
const SQUARE = 1;
const ROOT = 2;
const DIRECTED = 3;

/** matrix[i][j] = u_i·u_j, [n, n]. */
export function dotRows(
  matrix: usize, panels: usize, n: i32, dim: i32, from: i32, to: i32, scratch: usize,
): void {
  fillRows(DOT, matrix, panels, 0, 0, 0, n, dim, from, to, scratch);
}

/** matrix[i][j] = ‖u_i − u_j‖². */
export function squareRows(
  matrix: usize, panels: usize, squares: usize, n: i32, dim: i32, from: i32, to: i32, scratch: usize,
): void {
  fillRows(SQUARE, matrix, panels, squares, 0, 0, n, dim, from, to, scratch);
}

/** matrix[i][j] = ‖u_i − u_j‖. */
export function euclideanRows(
  matrix: usize, panels: usize, squares: usize, n: i32, dim: i32, from: i32, to: i32, scratch: usize,
): void {
  fillRows(ROOT, matrix, panels, squares, 0, 0, n, dim, from, to, scratch);
}

/** matrix[i][j] = √(‖u_i − u_j‖² + (shifts[i] + constant − shifts[j])). */
export function directedRows(
  matrix: usize, panels: usize, squares: usize, shifts: usize, constant: f64, n: i32, dim: i32,
  from: i32, to: i32, scratch: usize,
): void {
  fillRows(DIRECTED, matrix, panels, squares, shifts, constant, n, dim, from, to, scratch);
}

/** `kind` is a constant, so that every caller gets a loop of its own. */
// @ts-ignore: decorator
@inline
function fillRows(
  kind: i32, matrix: usize, panels: usize, squares: usize, shifts: usize, constant: f64, n: i32, dim: i32,
  from: i32, to: i32, scratch: usize,
): void {
  const bytes = <usize>dim << 5;
  const turned = scratch + BLOCK;
  for (let i = from; i < to; i += 4) {
    const own = panels + (<usize>i >> 2) * bytes;
    let panel = panels;
    for (let j = 0; j <= i; j += 4, panel += bytes) {
      dotBlock(scratch, panel, own, dim);
      if (kind >= SQUARE) squareBlock(scratch, panel, own, dim, squares, i, j);
      if (kind == ROOT) rootBlock(scratch);
      if (j < i) {
        turnBlock(turned, scratch);
        if (kind == DIRECTED) directBlock(turned, shifts, constant, j, i);
        putBlock(matrix, n, j, i, turned);
      }
      if (kind == DIRECTED) directBlock(scratch, shifts, constant, i, j);
      putBlock(matrix, n, i, j, scratch);
    }
  }
}

/** block[r][c] = y_r·x_c of two panels. */
// @ts-ignore: decorator
@inline
function dotBlock(block: usize, x: usize, y: usize, dim: i32): void {
  let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = y + (<usize>dim << 5); y < end; x += 32, y += 32) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    let row = v128.load64_splat(y);
    a0 = f64x2.add(a0, f64x2.mul(row, x0));
    a1 = f64x2.add(a1, f64x2.mul(row, x1));
    row = v128.load64_splat(y, 8);
    b0 = f64x2.add(b0, f64x2.mul(row, x0));
    b1 = f64x2.add(b1, f64x2.mul(row, x1));
    row = v128.load64_splat(y, 16);
    c0 = f64x2.add(c0, f64x2.mul(row, x0));
    c1 = f64x2.add(c1, f64x2.mul(row, x1));
    row = v128.load64_splat(y, 24);
    d0 = f64x2.add(d0, f64x2.mul(row, x0));
    d1 = f64x2.add(d1, f64x2.mul(row, x1));
  }
  v128.store(block, a0);
  v128.store(block, a1, 16);
  v128.store(block, b0, 32);
  v128.store(block, b1, 48);
  v128.store(block, c0, 64);
  v128.store(block, c1, 80);
  v128.store(block, d0, 96);
  v128.store(block, d1, 112);
}

/** Below this, ‖x‖² + ‖y‖² − 2x·y has lost digits that the figures need, and the difference is taken. */
const NEAR: f64 = 1e-4;

/** Turns the dot products of a block into ‖y_r − x_c‖², never negative and with a relative error below 1e-11. */
// @ts-ignore: decorator
@inline
function squareBlock(block: usize, x: usize, y: usize, dim: i32, squares: usize, i: i32, j: i32): void {
  const near = f64x2.splat(NEAR);
  const two = f64x2.splat(2);
  const mine = squares + (<usize>i << 3);
  const their = squares + (<usize>j << 3);
  for (let r: usize = 0; r < 4; r++) {
    const square = v128.load64_splat(mine + (r << 3));
    for (let half: usize = 0; half < 32; half += 16) {
      const at = block + r * BLOCK_ROW + half;
      let value = f64x2.sub(f64x2.add(square, v128.load(their + half)), f64x2.mul(two, v128.load(at)));
      const apart = f64x2.gt(value, near);
      if (!i64x2.all_true(apart)) {
        value = v128.bitselect(value, squareOfDifference(y + (r << 3), x + half, dim), apart);
      }
      v128.store(at, value);
    }
  }
}

/** ‖y − x‖² of one row y and two rows x, as they lie in panels. */
function squareOfDifference(y: usize, x: usize, dim: i32): v128 {
  let sum = f64x2.splat(0);
  for (const end = x + (<usize>dim << 5); x < end; x += 32, y += 32) {
    const difference = f64x2.sub(v128.load64_splat(y), v128.load(x));
    sum = f64x2.add(sum, f64x2.mul(difference, difference));
  }
  return sum;
}

/** Turns the squares of a block into their roots. */
// @ts-ignore: decorator
@inline
function rootBlock(block: usize): void {
  for (const end = block + BLOCK; block < end; block += 16) v128.store(block, f64x2.sqrt(v128.load(block)));
}

/** Turns squares D² into √(D² + (shifts[i + r] + constant − shifts[j + c])). */
// @ts-ignore: decorator
@inline
function directBlock(block: usize, shifts: usize, constant: f64, i: i32, j: i32): void {
  const more = f64x2.splat(constant);
  const their0 = v128.load(shifts + (<usize>j << 3));
  const their1 = v128.load(shifts + (<usize>j << 3), 16);
  for (let r: usize = 0; r < 4; r++, block += BLOCK_ROW) {
    const mine = f64x2.add(v128.load64_splat(shifts + ((<usize>i + r) << 3)), more);
    v128.store(block, root(f64x2.add(v128.load(block), f64x2.sub(mine, their0))));
    v128.store(block, root(f64x2.add(v128.load(block, 16), f64x2.sub(mine, their1))), 16);
  }
}

/** Rounding may leave a square of nothing below 0. */
// @ts-ignore: decorator
@inline
function root(square: v128): v128 {
  return v128.and(f64x2.sqrt(square), f64x2.gt(square, f64x2.splat(0)));
}

/** turned[c][r] = block[r][c]. */
// @ts-ignore: decorator
@inline
function turnBlock(turned: usize, block: usize): void {
  for (let half: usize = 0; half < 32; half += 16, turned += 64) {
    const a = v128.load(block + half);
    const b = v128.load(block + half, 32);
    const c = v128.load(block + half, 64);
    const d = v128.load(block + half, 96);
    v128.store(turned, v128.shuffle<f64>(a, b, 0, 2));
    v128.store(turned, v128.shuffle<f64>(c, d, 0, 2), 16);
    v128.store(turned, v128.shuffle<f64>(a, b, 1, 3), 32);
    v128.store(turned, v128.shuffle<f64>(c, d, 1, 3), 48);
  }
}

/** The block to rows i, columns j of the matrix, as far as these exist. */
// @ts-ignore: decorator
@inline
function putBlock(matrix: usize, n: i32, i: i32, j: i32, block: usize): void {
  const stride = <usize>n << 3;
  const columns = min(4, n - j);
  const end = block + ((<usize>min(4, n - i)) << 5);
  for (let out = matrix + <usize>i * stride + (<usize>j << 3); block < end; out += stride, block += BLOCK_ROW) {
    if (columns == 4) {
      v128.store(out, v128.load(block));
      v128.store(out, v128.load(block, 16), 16);
    } else {
      memory.copy(out, block, <usize>columns << 3);
    }
  }
}
