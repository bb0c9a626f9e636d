import { z } from 'zod';
import { proposalColumns } from '../core/search/pool.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { Round, RoundSearcher } from './round.js';

export interface ProposeOptions {
  searcher: RoundSearcher;
  inRound: Round;
}

/** What the searcher of these rounds proposes: in round 0 the initial sample. */
export const propose = defineOperator(
  {
    name: 'propose',
    kind: 'source',
    summary: 'The cells that the searcher wants evaluated in this round',
    source: 'paper §3.3; REFERENCE §7',
    params: z.strictObject({}),
    needs: ['searcher', 'inRound'],
    gives: 'rows',
    input: {},
    output: proposalColumns,
    example: 'propose',
  },
  ({ searcher, inRound }: ProposeOptions) =>
    searcher.propose(inRound.index, (row) => inRound.reported.push(row)),
);
