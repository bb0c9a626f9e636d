import type { Benchmark, Evaluation } from '../benchmark/benchmark.js';
import { stream } from '../random/random.js';
import { type CellCode, type Space, tokensOfCells } from '../space/space.js';

/** A cell that a searcher wants evaluated. */
export interface Proposal {
  cell: CellCode;
  /** Where it came from: `seed`, `random`, `nao`, … */
  origin: string;
  round: number;
}

/** The columns of proposals, as stages declare them. */
export const proposalColumns = { cell: 'uint32', origin: 'utf8', round: 'int32' } as const;

/** One query, as the run log and `queries-*.parquet` show it. Accuracies are fractions. */
export interface QueryRow {
  /** Number of the query, from 1; every unique architecture counts once, initial samples included. */
  query: number;
  round: number;
  cell: number;
  hash: string;
  searcher: string;
  origin: string;
  /** The accuracy that the searcher sees: one random repeat of the validation, or under the protocol `oracle` that of the test. */
  validation: number;
  /** Mean test accuracy over the repeats, which the searcher never sees. */
  test: number;
  /** Validation accuracy of the best cell so far, by validation (protocol V) or by test accuracy (protocol T). */
  best_validation: number;
  /** Test accuracy of that cell. */
  best_test: number;
  /** Best test accuracy of the benchmark − `best_test`; NaN where the benchmark's best is not known. */
  regret: number;
  /** Rank of `best_test` among all cells of the benchmark, 1 = best; 0 where it is not known. */
  rank: number;
  /** Training time that the query would have cost, in seconds. */
  seconds: number;
}

/**
 * What makes two proposals the same query. `cell`: the canonical cell, so that isomorphic copies are one; `sequence`, as the reference has
 * it (REFERENCE §9): the token sequence of the pruned cell where it was queried in an earlier round, and within a round the sequence as it
 * was decoded, so that two which prune to one cell are two queries.
 */
export type Identity = 'cell' | 'sequence';

/**
 * Which of the queried cells a search reports: `V`, the best by validation, which is what a search could really know; `T`, the best by
 * test, as some papers have it: an oracle, not comparable with V. In both the searcher sees validation accuracies alone. `oracle`: it sees mean test
 * accuracies in their place, so that they decide everything.
 */
export const protocols = ['V', 'T', 'oracle'] as const;
export type Protocol = (typeof protocols)[number];

/** What each protocol means, for tables that rest on it. */
export const protocolTexts: Readonly<Record<string, string>> = {
  V: 'test accuracy of the best cell by validation',
  T: 'test accuracy of the best cell by test (an oracle); the search sees validation accuracies',
  oracle: 'the search sees mean test accuracies in place of validation accuracies (an oracle)',
} satisfies Record<Protocol, string>;

export interface PoolOptions {
  benchmark: Benchmark;
  searcher: string;
  seed: number;
  identity?: Identity;
  protocol?: Protocol;
  /** Target of the predictor: max(validation − floor, 0) / (1 − floor); REFERENCE §7 has floor 0.8. */
  targetFloor?: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** All that a search has queried, in order: what it counts, what it learns from, and what it must not propose again. */
export class Pool {
  readonly space: Space;
  readonly rows: QueryRow[] = [];
  readonly #options: Required<PoolOptions>;
  /** Number of the first query of each cell. */
  readonly #known = new Map<number, number>();
  #best: QueryRow | undefined;
  #seconds = 0;

  constructor(options: PoolOptions) {
    this.#options = { identity: 'cell', targetFloor: 0.8, protocol: 'V', ...options };
    this.space = options.benchmark.space;
  }

  get size(): number {
    return this.rows.length;
  }

  /** Training time that all queries would have cost, in seconds; NaN where the benchmark does not know. */
  get seconds(): number {
    return this.#seconds;
  }

  #key(cell: CellCode): number {
    return this.#options.identity === 'cell' ? this.space.canonical(cell) : cell;
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  /** Whether the cell is among the first `queries` queries, by default all. */
  has(cell: CellCode, queries = this.size): boolean {
    return (this.#known.get(this.#key(cell)) ?? Number.POSITIVE_INFINITY) <= queries;
  }

  /** Count one query and give its row. The repeat that is seen is drawn from the cell's own random stream. */
  add({ cell, origin, round }: Proposal, evaluation: Evaluation): QueryRow {
    const { benchmark, searcher, seed, protocol } = this.#options;
    const repeat = stream(seed, 'repeat', this.#key(cell)).int(evaluation.validation.length);
    const test = mean(evaluation.test);
    const validation = protocol === 'oracle' ? test : evaluation.validation[repeat]!;
    const best = this.#best;
    const leads = !best || (protocol === 'T' ? test > best.best_test : validation > best.best_validation);
    const best_test = leads ? test : best.best_test;
    const row: QueryRow = {
      query: this.size + 1,
      round,
      cell,
      hash: this.space.hash(cell),
      searcher,
      origin,
      validation,
      test,
      best_validation: leads ? validation : best.best_validation,
      best_test,
      regret: (benchmark.bestTest ?? Number.NaN) - best_test,
      rank: benchmark.rank?.(best_test) ?? 0,
      seconds: evaluation.seconds,
    };
    this.restore(row);
    return row;
  }

  /** Put a row of an earlier part of the same run back (resume). */
  restore(row: QueryRow): void {
    if (!this.has(row.cell)) this.#known.set(this.#key(row.cell), row.query);
    this.rows.push(row);
    this.#best = row;
    this.#seconds += row.seconds;
  }

  /** The predictor's target of a row, in [0, 1]. */
  target(row: QueryRow): number {
    const floor = this.#options.targetFloor;
    return Math.max(row.validation - floor, 0) / (1 - floor);
  }

  /** The `count` best rows by validation, best first; ties go to the earlier query. */
  top(count: number): QueryRow[] {
    return [...this.rows].sort((a, b) => b.validation - a.validation || a.query - b.query).slice(0, count);
  }

  /** Tokens of rows, row-major [rows, sequenceLength]. */
  tokens(rows: readonly QueryRow[]): Int32Array {
    return tokensOfCells(
      this.space,
      rows.map(({ cell }) => cell),
    );
  }
}
