/** The `k` nearest of one point, nearest first; of equal distances the smaller row first. Filled by {@link NearestIndex.find}. */
export interface Nearest {
  rows: Int32Array;
  /** Euclidean. */
  distances: Float64Array;
}

/**
 * Exact nearest neighbours (Euclidean) among a fixed set of points. The points stand in groups around some of them, each group in order of
 * the distance from its centre: by the triangle inequality most groups, and most of a group, need not be looked at.
 */
export class NearestIndex {
  readonly #width: number;
  /** Points in the order of the groups, and their rows. */
  readonly #points: Float32Array;
  readonly #rows: Int32Array;
  /** Distance of each from its centre. */
  readonly #fromCentre: Float64Array;
  readonly #centres: Float32Array;
  /** Where groups begin; one more than groups. */
  readonly #starts: Int32Array;
  /** Of the point that is looked for. */
  readonly #toCentre: Float64Array;

  /** @param values row-major [rows, width]; not kept */
  constructor(values: Float32Array, width: number) {
    const count = values.length / width;
    const groups = Math.max(1, Math.round(Math.sqrt(count)));
    this.#width = width;
    this.#centres = new Float32Array(groups * width);
    for (let g = 0; g < groups; g++) {
      const row = Math.floor((g * count) / groups);
      this.#centres.set(values.subarray(row * width, (row + 1) * width), g * width);
    }
    const group = new Int32Array(count);
    const distance = new Float64Array(count);
    const sizes = new Int32Array(groups);
    for (let row = 0; row < count; row++) {
      let best = Number.POSITIVE_INFINITY;
      for (let g = 0; g < groups; g++) {
        const d = squared(values, row * width, this.#centres, g * width, width);
        if (d < best) {
          best = d;
          group[row] = g;
        }
      }
      distance[row] = Math.sqrt(best);
      sizes[group[row]!]!++;
    }
    this.#rows = Int32Array.from({ length: count }, (_, row) => row).sort(
      (a, b) => group[a]! - group[b]! || distance[a]! - distance[b]! || a - b,
    );
    this.#points = new Float32Array(values.length);
    this.#fromCentre = new Float64Array(count);
    for (const [i, row] of this.#rows.entries()) {
      this.#points.set(values.subarray(row * width, (row + 1) * width), i * width);
      this.#fromCentre[i] = distance[row]!;
    }
    this.#starts = new Int32Array(groups + 1);
    this.#toCentre = new Float64Array(groups);
    for (let g = 0; g < groups; g++) this.#starts[g + 1] = this.#starts[g]! + sizes[g]!;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** The `k` nearest to the point at `values[offset …]`, the point itself among them where it is one of the set. */
  find(values: Float32Array, offset: number, k: number): Nearest {
    const width = this.#width;
    const groups = this.#starts.length - 1;
    const kept = Math.min(k, this.size);
    const best = new Float64Array(kept).fill(Number.POSITIVE_INFINITY);
    const rows = new Int32Array(kept).fill(-1);
    const toCentre = this.#toCentre;
    let closest = 0;
    for (let g = 0; g < groups; g++) {
      toCentre[g] = Math.sqrt(squared(values, offset, this.#centres, g * width, width));
      if (toCentre[g]! < toCentre[closest]!) closest = g;
    }
    // The closest group first: what is found there leaves little to look for in the others.
    for (let i = 0; i < groups; i++) {
      const g = i === 0 ? closest : i <= closest ? i - 1 : i;
      const [from, to] = [this.#starts[g]!, this.#starts[g + 1]!];
      if (from === to) continue;
      const here = toCentre[g]!;
      // Outwards on both sides of the place where points are as far from the centre as this one.
      let above = lowerBound(this.#fromCentre, here, from, to);
      let below = above - 1;
      while (above < to && this.#fromCentre[above]! - here <= reach(best[kept - 1]!))
        this.#offer(above++, values, offset, best, rows);
      while (below >= from && here - this.#fromCentre[below]! <= reach(best[kept - 1]!))
        this.#offer(below--, values, offset, best, rows);
    }
    return { rows, distances: best.map(Math.sqrt) };
  }

  #offer(index: number, values: Float32Array, offset: number, best: Float64Array, rows: Int32Array): void {
    const d = squared(values, offset, this.#points, index * this.#width, this.#width);
    const row = this.#rows[index]!;
    let at = best.length - 1;
    if (d > best[at]! || (d === best[at]! && row > rows[at]!)) return;
    while (at > 0 && (d < best[at - 1]! || (d === best[at - 1]! && row < rows[at - 1]!))) {
      best[at] = best[at - 1]!;
      rows[at] = rows[at - 1]!;
      at--;
    }
    best[at] = d;
    rows[at] = row;
  }
}

/** How far away a better one may lie, rounding allowed for. */
const reach = (squaredDistance: number) => Math.sqrt(squaredDistance) * (1 + 1e-9) + 1e-12;

function squared(a: Float32Array, i: number, b: Float32Array, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) {
    const d = a[i + k]! - b[j + k]!;
    sum += d * d;
  }
  return sum;
}

/** First index in [from, to) whose value is at least `value`; the values there ascend. */
function lowerBound(values: Float64Array, value: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
