import type { Observable } from 'rxjs';
import type { Proposal } from '../../core/search/pool.js';
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
