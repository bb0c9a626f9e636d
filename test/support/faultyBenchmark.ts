import type { Benchmark } from '../../src/core/benchmark/benchmark.js';
import { dataError } from '../../src/core/errors.js';
import { stream } from '../../src/core/random/random.js';
import type { CellCode } from '../../src/core/space/space.js';

export interface Faults {
  seed: number;
  /** Probability that a lookup fails for a passing reason. */
  failing?: number;
  /** Largest delay of an answer in milliseconds; drawn for each lookup, so that answers overtake one another. */
  delay?: number;
  /** Cells whose lookup fails for good. */
  broken?: readonly CellCode[];
}

/** A benchmark as it may be behind a network: lookups fail, answer late and out of order. */
export class FaultyBenchmark {
  readonly benchmark: Benchmark;
  /** Lookups asked for, by cell. */
  readonly asked = new Map<CellCode, number>();
  /** Of these, how many failed. */
  failures = 0;
  /** Most lookups under way at once. */
  most = 0;

  constructor(of: Benchmark, { seed, failing = 0, delay = 0, broken = [] }: Faults) {
    let underWay = 0;
    const lookup = async (cell: CellCode) => {
      const time = (this.asked.get(cell) ?? 0) + 1;
      this.asked.set(cell, time);
      const random = stream(seed, 'fault', cell, time);
      this.most = Math.max(this.most, ++underWay);
      try {
        if (delay > 0) await new Promise((resolve) => setTimeout(resolve, random.float() * delay));
        if (broken.includes(cell)) throw dataError(`no figures of cell ${cell}`, 'ask for another one');
        if (random.float() < failing) {
          this.failures++;
          throw new Error('connection lost');
        }
        return await of.lookup(cell);
      } finally {
        underWay--;
      }
    };
    // The methods of a class are not among its own fields.
    this.benchmark = Object.create(of, { lookup: { value: lookup } });
  }
}
