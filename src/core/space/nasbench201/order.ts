import { mersenneFromState } from 'pure-rand/generator/mersenne';

/**
 * The order in which NAS-Bench-201 numbers its architectures: all of them with the last edge's operation running fastest,
 * shuffled as its authors did with Python's `random.seed(88); random.shuffle(archs)`.
 *
 * @returns for each index of the benchmark, the place of its architecture before the shuffle
 */
export function benchmarkOrder(size: number): Uint32Array {
  const next = pythonRandom(88);
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    // Python's randbelow(i + 1): as many of the leading bits as the bound has, drawn again while too large.
    const unused = Math.clz32(i + 1);
    let j = next() >>> unused;
    while (j > i) j = next() >>> unused;
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Python's Mersenne twister after `random.seed(seed)`, 0 <= seed < 2^32: MT19937 seeded by array (Matsumoto 2002). */
function pythonRandom(seed: number): () => number {
  const n = 624;
  const mixed = (i: number, factor: number) => Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), factor);
  const state = new Int32Array(n);
  state[0] = 19650218;
  for (let i = 1; i < n; i++) state[i] = mixed(i, 1812433253) + i;
  let i = 1;
  const step = (value: number) => {
    state[i++] = value;
    if (i < n) return;
    state[0] = state[n - 1]!;
    i = 1;
  };
  for (let k = 0; k < n; k++) step((state[i]! ^ mixed(i, 1664525)) + seed);
  for (let k = 1; k < n; k++) step((state[i]! ^ mixed(i, 1566083941)) - i);
  state[0] = 0x8000_0000;
  const generator = mersenneFromState([0, ...state]);
  // pure-rand generates the next block as it gives out the present one, which here is the seed itself.
  for (let k = 0; k < n; k++) generator.next();
  return () => generator.next() >>> 0;
}
