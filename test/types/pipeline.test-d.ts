import type { Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import type { AnchorBatch, CellBatch } from '../../src/core/batch/index.js';
import type { Controller } from '../../src/core/engine/engine.js';
import type { OpenLoss } from '../../src/core/losses/index.js';
import type { Miner } from '../../src/core/miners/index.js';
import type { Space } from '../../src/core/space/index.js';
import { batch } from '../../src/operators/batch.js';
import { encode } from '../../src/operators/encode.js';
import type { InScope } from '../../src/operators/inTurn.js';
import { lossStep, type StepRow } from '../../src/operators/lossStep.js';
import { type Mined, mine } from '../../src/operators/mine.js';
import { mutate } from '../../src/operators/mutate.js';

declare const anchors$: Observable<AnchorBatch>;
declare const cells$: Observable<CellBatch>;
declare const turn$: Observable<InScope<CellBatch>>;
declare const space: Space;
declare const controller: Controller;
declare const miner: Miner;
declare const loss: OpenLoss;
const step = { controller, loss, weight: 1, learningRate: 1, stepsPerEpoch: 1 };

describe('columns flow through the types of a pipeline', () => {
  it('anchors become cells, in batches of any size', () => {
    const cells = anchors$.pipe(mutate({ space, seed: 1, samplesPerClass: 8 }), batch({ rows: 512 }));
    expectTypeOf(cells).toEqualTypeOf<Observable<CellBatch>>();
  });

  it('a turn ends in step rows', () => {
    const rows = turn$.pipe(encode({ controller }), mine({ miner }), lossStep(step));
    expectTypeOf(rows).toEqualTypeOf<Observable<StepRow>>();
  });

  it('a stage does not compile after one that lacks its columns', () => {
    // @ts-expect-error cells are needed, not anchors alone
    anchors$.pipe(batch({ rows: 64 }), mutate({ space, seed: 1, samplesPerClass: 8 }), mine({ miner }));
    // @ts-expect-error mining needs embeddings: encode comes first
    cells$.pipe(mine({ miner }));
    // @ts-expect-error a loss needs mined tuples
    turn$.pipe(encode({ controller }), lossStep(step));
    expectTypeOf<Mined<never>>().toHaveProperty('selection');
  });
});
