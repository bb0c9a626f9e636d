import { defer, EMPTY, type Observable } from 'rxjs';
import { z } from 'zod';
import { eventColumns } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { Round, RoundSearcher } from './round.js';
import type { TrainRow } from './trainOnPool.js';

export interface LearnOptions {
  searcher: RoundSearcher;
  inRound: Round;
}

/** The searcher's learning after the queries of a round; nothing in the last round, or from a searcher that does not learn. */
export const learn = defineOperator(
  {
    name: 'learn',
    kind: 'source',
    summary: 'The searcher learns from all queries so far: a row an inner epoch',
    source: 'paper eq. 1; REFERENCE §7',
    params: z.strictObject({}),
    needs: ['searcher', 'inRound'],
    gives: 'rows',
    input: {},
    output: eventColumns('train'),
    example: 'learn',
  },
  ({ searcher, inRound }: LearnOptions): Observable<TrainRow> =>
    defer(() => (inRound.ended() ? EMPTY : (searcher.train?.(inRound.index) ?? EMPTY))),
);
