import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failure } from '../errors.js';
import { besideModule } from '../workers.js';

/** Rows that the kernels (assembly/index.ts) work on at once. */
export const stripRows = 4;

interface Exports {
  memory: WebAssembly.Memory;
  heapBase(): number;
  dotStrip(out: number, stride: number, panels: number, dim: number, i: number): void;
  squareStrip(strip: number, stride: number, panels: number, dim: number, squares: number, i: number): void;
  directedStrip(
    strip: number,
    turned: number,
    stride: number,
    shifts: number,
    constant: number,
    i: number,
  ): void;
  mixRows(
    mixed: number,
    columns: number,
    skew: number,
    weights: number,
    stride: number,
    n: number,
    i: number,
  ): number;
  mixedProduct(sums: number, mixed: number, columns: number, count: number, unit: number, dim: number): void;
}

let loaded: Exports | undefined;

/** This thread's instance. Exit code 1 where the module was not built. */
function kernels(): Exports {
  if (loaded) return loaded;
  const file = fileURLToPath(besideModule(import.meta.url, 'kernels.wasm'));
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw failure(`the module of the distances, ${file}, cannot be read`, 'run: npm run build', { cause });
  }
  loaded = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as unknown as Exports;
  return loaded;
}

const cacheLine = 64;
const pageBytes = 65536;

/** Addresses of regions of so many bytes. They are everybody's scratch: what lies there holds until the next call. */
function regions({ memory, heapBase }: Exports, sizes: number[]): number[] {
  let top = heapBase();
  const addresses = sizes.map((bytes) => {
    const start = Math.ceil(top / cacheLine) * cacheLine;
    top = start + bytes;
    return start;
  });
  const missing = Math.ceil((top - memory.buffer.byteLength) / pageBytes);
  if (missing > 0) memory.grow(missing);
  return addresses;
}

const roundUp = (n: number, to: number) => Math.ceil(n / to) * to;

/** Normalised embeddings, row-major [rows, dim], and their squared norms [rows]. */
export interface UnitRows {
  readonly rows: number;
  readonly dim: number;
  readonly unit: Float64Array;
  readonly square: Float64Array;
}

export type Strips = ReturnType<typeof stripKernel>;

/** The kernels that fill a matrix [rows, rows] in strips of four rows up to the diagonal. */
export function stripKernel({ rows, dim, unit, square }: UnitRows) {
  const exports = kernels();
  const stride = roundUp(rows, stripRows);
  const counts = [stride * dim, stripRows * stride, stripRows * stride, stride, stride];
  const [panelsAt, stripAt, turnedAt, squaresAt, shiftsAt] = regions(
    exports,
    counts.map((count) => 8 * count),
  ) as [number, number, number, number, number];
  const { buffer } = exports.memory;
  const panels = new Float64Array(buffer, panelsAt, counts[0]);
  for (let i = 0, at = 0; i < stride; i += stripRows) {
    for (let d = 0; d < dim; d++) {
      for (let r = i; r < i + stripRows; r++) panels[at++] = r < rows ? unit[r * dim + d] : 0;
    }
  }
  copyRows(square, 1, rows, new Float64Array(buffer, squaresAt, stride), stride);
  return {
    rows,
    /** Row r's values: `strip[r * stride + j]`. */
    stride,
    strip: new Float64Array(buffer, stripAt, counts[1]),
    /** Of {@link direct}: (j, i + r) is `turned[j * stripRows + r]`. */
    turned: new Float64Array(buffer, turnedAt, counts[2]),
    /** What {@link direct} adds to a row's squares and takes away from a column's, [rows]. */
    shifts: new Float64Array(buffer, shiftsAt, stride),
    /** Dot products of rows i to i + 3 with rows 0 to i + 3; i a multiple of 4. Beyond the last row the strip has no meaning. */
    fill: (i: number) => exports.dotStrip(stripAt, 8 * stride, panelsAt, dim, i),
    /** Makes squared distances of dot products. */
    squares: (i: number) => exports.squareStrip(stripAt, 8 * stride, panelsAt, dim, squaresAt, i),
    /** Makes directed distances of squared ones: √(D² + shift of the row + constant − shift of the column). */
    direct: (i: number, constant: number) =>
      exports.directedStrip(stripAt, turnedAt, 8 * stride, shiftsAt, constant, i),
  };
}

/** The kernels of {@link embeddingGradient} for weights [rows, rows] and rows `unit` [rows, dim]. */
export function mixKernel(weights: Float64Array, unit: Float64Array, rows: number, dim: number) {
  const exports = kernels();
  // Odd numbers of cache lines: going down a column then uses all of the cache, not the same few places. Four rows and columns of zeros
  // follow the last ones.
  const stride = roundUp(rows, 64) + 8;
  const width = roundUp(dim, 4);
  const counts = [
    (rows + stripRows) * stride,
    rows * width,
    stripRows * rows,
    rows,
    stripRows,
    stripRows * width,
  ];
  const [weightsAt, unitAt, mixedAt, columnsAt, skewAt, sumsAt] = regions(
    exports,
    counts.map((count) => 8 * count),
  ) as [number, number, number, number, number, number];
  const { buffer } = exports.memory;
  copyRows(weights, rows, rows, new Float64Array(buffer, weightsAt, counts[0]), stride);
  copyRows(unit, rows, dim, new Float64Array(buffer, unitAt, counts[1]), width);
  return {
    /** Number of `columns`, {@link columns}, that {@link mix} found. */
    mixed: new Float64Array(buffer, mixedAt, stripRows * rows),
    columns: new Int32Array(buffer, columnsAt, rows),
    skew: new Float64Array(buffer, skewAt, stripRows),
    /** Row r of the product: `sums[r * width + d]`. */
    sums: new Float64Array(buffer, sumsAt, stripRows * width),
    width,
    mix: (i: number) => exports.mixRows(mixedAt, columnsAt, skewAt, weightsAt, 8 * stride, rows, i),
    multiply: (count: number) => exports.mixedProduct(sumsAt, mixedAt, columnsAt, count, unitAt, width),
  };
}

/** Rows of `cols` numbers to rows `stride` apart; what is beside and below them becomes 0. */
function copyRows(from: Float64Array, rows: number, cols: number, to: Float64Array, stride: number): void {
  for (let i = 0; i < rows; i++) {
    to.set(from.subarray(i * cols, (i + 1) * cols), i * stride);
    to.fill(0, i * stride + cols, (i + 1) * stride);
  }
  to.fill(0, rows * stride);
}
