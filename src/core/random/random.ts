import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/**
 * A seeded, named random stream. Streams with different seeds or names are independent, so that a stage's randomness
 * never depends on another stage's timing: a stage asks for the stream of *its* work item (`stream(seed, 'mutate', batch)`)
 * instead of sharing one.
 */
export class Random {
  readonly #generator: RandomGenerator;

  constructor(generator: RandomGenerator) {
    this.#generator = generator;
  }

  /** A uniform unsigned 32-bit integer. */
  uint32(): number {
    return this.#generator.next() >>> 0;
  }

  /** A uniform integer in [0, n), n ≤ 2^32, without modulo bias (rejection). */
  int(n: number): number {
    for (;;) {
      const value = this.#generator.next() >>> 0;
      const rest = value % n;
      // The last values before 2^32 are no whole block of n.
      if (value - rest <= 0x1_0000_0000 - n) return rest;
    }
  }

  /** A uniform number in [0, 1) with 53 bits. */
  float(): number {
    const high = this.#generator.next() >>> 5;
    const low = this.#generator.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** A standard normal deviate (Box–Muller, one of the pair). */
  normal(): number {
    const u = 1 - this.float();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.float());
  }

  /** Shuffle in place (Fisher–Yates). */
  shuffle<T extends { length: number; [index: number]: number }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = array[i]!;
      array[i] = array[j]!;
      array[j] = held;
    }
    return array;
  }
}

/** The stream of `seed` and `name`; equal arguments give equal streams, on every machine. */
export function stream(seed: number, ...name: (string | number)[]): Random {
  const text = `${seed}/${name.join('/')}`;
  const state = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x7f4a7c15].map((salt) => hash32(text, salt));
  const generator = xoroshiro128plusFromState(state);
  for (let i = 0; i < 8; i++) generator.next();
  return new Random(generator);
}

/** FNV-1a over UTF-16 units with murmur3's finaliser. */
function hash32(text: string, salt: number): number {
  let h = salt | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
