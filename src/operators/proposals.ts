import { defer, from, type Observable } from 'rxjs';
import { z } from 'zod';
import { eventColumns } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { ProposalRow } from './naoPropose.js';
import type { Round } from './round.js';

export interface ProposalsOptions {
  inRound: Round;
}

/** What the searcher reported of this round's proposals: a row a step size. Nothing from a searcher that reports nothing. */
export const proposals = defineOperator(
  {
    name: 'proposals',
    kind: 'source',
    summary: 'How many of this round’s candidates were decoded, valid and new',
    source: 'REFERENCE §7',
    params: z.strictObject({}),
    needs: ['inRound'],
    gives: 'rows',
    input: {},
    output: eventColumns('proposal'),
    example: 'proposals',
  },
  ({ inRound }: ProposalsOptions): Observable<ProposalRow> => defer(() => from(inRound.reported)),
);
