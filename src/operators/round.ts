import type { Observable } from 'rxjs';
import type { Proposal } from '../core/search/pool.js';
import type { ProposalRow } from './naoPropose.js';
import type { TrainRow } from './trainOnPool.js';

/** One round of a search, as the stages inside it see it. */
export interface Round {
  /** From 0, the initial sample. */
  readonly index: number;
  /** What was reported of the proposals so far. */
  readonly reported: ProposalRow[];
  /** Whether the search ends with this round: the budget is spent, or it has run dry. */
  ended(): boolean;
}

/** What a round asks its searcher for; see `Searcher` in the pipelines. */
export interface RoundSearcher {
  propose(round: number, report: (row: ProposalRow) => void): Observable<Proposal>;
  train?(round: number): Observable<TrainRow>;
}
