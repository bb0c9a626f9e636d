import type { output, ZodObject } from 'zod';
import type { CellCode, Space } from '../space/space.js';
import type { Component } from '../spec/component.js';
import type { Executors } from '../work/executors.js';

/** What a benchmark knows of one cell. Accuracies are fractions in [0, 1]; NaN where a table has no value. */
export interface Evaluation {
  /** Validation accuracy, one value a repeat. */
  validation: readonly number[];
  /** Test accuracy, one value a repeat. */
  test: readonly number[];
  /** Trainable parameters of the network. */
  parameters: number;
  /** Training time of one repeat in seconds (CPU seconds for the embedded benchmark and live training). */
  seconds: number;
  /**
   * Why a training did not end as it should: it diverged to NaN, or whatever trained it died (its accuracies are then those of chance), or
   * its time was up.
   */
  stopped?: 'diverged' | 'failed' | 'time';
}

/** Accuracies of cells, from a table or by training. Identity is the canonical cell: isomorphic cells are one. */
export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  readonly space: Space;
  /** Number of cells it knows, or `space.size` where cells are trained on demand. */
  readonly cells: number;
  /** Whether the cell (or an isomorphic one) can be evaluated. */
  has(cell: CellCode): boolean;
  /** Rejects with exit code 3 where the cell is unknown. */
  lookup(cell: CellCode): Promise<Evaluation>;
  /** Lookups that it works on at once, for whoever has several to ask for; absent: one at a time is as fast. */
  readonly concurrency?: number;
  /** Ends the lookups under way, which reject, and frees what they need; absent where there is nothing to free. */
  close?(): Promise<void>;
  /** Best mean test accuracy of all cells, where the whole is known: the zero of regret. */
  readonly bestTest?: number;
  /** Rank (1 = best) of a mean test accuracy among all cells, where the whole is known. */
  rank?(test: number): number;
  /** The known cells in canonical form, where they can be listed; do not write to it. */
  list?(): Uint32Array;
  /** SHA-256 of the files that it is read from, by name; for manifests. */
  readonly data?: Readonly<Record<string, string>>;
  /** What there is to say of it beside that, one fact a name. */
  readonly details?: Readonly<Record<string, string | number>>;
  /** Where the figures come from, for `benchmark describe` and manifests. */
  readonly provenance: string;
}

/** A benchmark as registries, lint and docs know it. */
export interface BenchmarkSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'benchmark';
  /** The space that it evaluates cells of. */
  readonly space: Space;
  /** Number of cells that it can have. */
  readonly cells: number;
  /** Whether it trains what is looked up, and so can have that done elsewhere. */
  readonly trains?: boolean;
  /** What may stand after `NAME:` on the command line, for messages; default: the file of a table. */
  readonly forms?: readonly string[];
  /** The parameters that the text after `NAME:` stands for, not yet checked; default: it is the `file`. */
  parse?(text: string): Record<string, unknown>;
  create(params: output<P>, options?: OpenOptions): Promise<Benchmark>;
}

export interface OpenOptions {
  /** Where it trains, if it does; default: processes of this machine. */
  executors?: Executors;
  /** Told what the person who watches should know, for as long as the benchmark is open. */
  onNote?: (line: string) => void;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineBenchmark = <P extends ZodObject>(
  spec: Omit<BenchmarkSpec<P>, 'kind'>,
): BenchmarkSpec<P> => Object.freeze({ kind: 'benchmark', ...spec });
