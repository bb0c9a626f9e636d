import type { Observable } from 'rxjs';
import { type output, type ZodObject, z } from 'zod';
import type { Benchmark } from '../../core/benchmark/benchmark.js';
import type { Controller } from '../../core/engine/engine.js';
import type { Pool, Proposal } from '../../core/search/pool.js';
import type { Needing } from '../../core/spec/component.js';
import type { ProposalRow } from '../../operators/naoPropose.js';
import type { TrainRow } from '../../operators/trainOnPool.js';

/**
 * A way of searching: proposes cells round by round and learns from what came of them. All searchers run in the same
 * pipeline (`search`), with the same events and the same counting of queries.
 */
export interface Searcher {
  readonly name: string;
  /**
   * Proposals of a round; round 0 is the initial sample.
   * @param report told how many candidates were decoded, valid and new
   */
  propose(round: number, report: (row: ProposalRow) => void): Observable<Proposal>;
  /** Learning after the round's queries, one row an inner epoch; absent where the searcher does not learn. */
  train?(round: number): Observable<TrainRow>;
}

/** What a search hands to its searcher beside the parameters. */
export interface SearcherResources {
  benchmark: Benchmark;
  pool: Pool;
  seed: number;
}

/** The same for a searcher that learns. */
export interface LearnerResources extends SearcherResources {
  controller: Controller;
}

/** A searcher as registries, lint and docs know it. One that needs no `controller` is run without an engine. */
export interface SearcherSpec<P extends ZodObject = ZodObject> extends Needing<P> {
  readonly kind: 'searcher';
  /** Whether it is one that the others have to beat: the best of those in a comparison is what they are tested against. */
  readonly baseline?: boolean | undefined;
  create(options: output<P> & LearnerResources): Searcher;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineSearcher = <P extends ZodObject>(spec: Omit<SearcherSpec<P>, 'kind'>): SearcherSpec<P> =>
  Object.freeze({ kind: 'searcher', ...spec });

/** Whether a searcher has a controller, and hence needs an engine. */
export const learns = ({ needs }: SearcherSpec): boolean => needs.includes('controller');

/** The parameter of searchers that begin with a random sample. */
export const initial = (cells: number) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .default(cells)
    .describe('cells of the initial random sample')
    .meta({ unit: 'cells' });
