import type { Float32, Int32, RecordBatch, Uint32, Utf8 } from 'apache-arrow';
import { map, type Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import type { AnchorBatch, CellBatch, EventBatch, EventRow, Tokens } from '../../src/core/batch/index.js';
import type { Benchmark } from '../../src/core/benchmark/index.js';
import type { Training, TrainingExecutor, TrainingWork } from '../../src/core/benchmark/live/training.js';
import type { Controller } from '../../src/core/engine/engine.js';
import type { Credit, StageMeters } from '../../src/core/index.js';
import type { CollapseReference } from '../../src/core/losses/health.js';
import type { OpenLoss } from '../../src/core/losses/index.js';
import type { Miner } from '../../src/core/miners/index.js';
import type { Run } from '../../src/core/run/index.js';
import type { Pool, Proposal, QueryRow } from '../../src/core/search/pool.js';
import type { Space } from '../../src/core/space/index.js';
import {
  anchors,
  batch,
  benchmarkLookup,
  checkpoint,
  embedCells,
  encode,
  type InScope,
  inTurn,
  lossStep,
  type Mined,
  metered,
  mine,
  mutate,
  naoPropose,
  record,
  replayRows,
  type StepRow,
  seedCells,
  type TrainRow,
  trainCells,
  trainOnPool,
  watchCollapse,
} from '../../src/operators/index.js';

declare const anchors$: Observable<AnchorBatch>;
declare const cells$: Observable<CellBatch>;
declare const turn$: Observable<InScope<CellBatch>>;
declare const steps$: Observable<StepRow>;
declare const proposals$: Observable<Proposal>;
declare const jobs$: Observable<TrainingWork>;
declare const credit: Credit;
declare const space: Space;
declare const controller: Controller;
declare const miner: Miner;
declare const loss: OpenLoss;
declare const benchmark: Benchmark;
declare const pool: Pool;
declare const run: Run;
declare const reference: CollapseReference;
declare const meters: StageMeters;
declare const start: () => TrainingExecutor;
const step = { controller, loss, stepsPerEpoch: 1 };
const search = { benchmark, pool, seed: 1, round: 0 };
const save = async () => {};

describe('columns flow through the types of a pipeline', () => {
  it('anchors become cells, in batches of any size', () => {
    const source = anchors({ space, seed: 1, credit, classes: 64, epochs: 1 });
    const cells = source.pipe(mutate({ space, seed: 1, samplesPerClass: 8 }), batch({ rows: 512 }));
    expectTypeOf(cells).toEqualTypeOf<Observable<CellBatch>>();
  });

  it('a turn ends in step rows, which are logged, watched and checkpointed', () => {
    const rows = turn$.pipe(
      encode({ controller }),
      mine({ miner }),
      lossStep(step),
      record({ run, event: 'step' }),
      watchCollapse({ run, reference }),
      checkpoint({ every: 1, save }),
    );
    expectTypeOf(rows).toEqualTypeOf<Observable<StepRow>>();
    const whole = cells$.pipe(
      inTurn({ credit }, (turn) => turn.pipe(encode({ controller }), mine({ miner }), lossStep(step))),
    );
    expectTypeOf(whole).toEqualTypeOf<Observable<StepRow>>();
  });

  it('proposals become queries, cells embeddings, jobs trainings', () => {
    const queries = naoPropose({ ...search, controller, count: 1 }).pipe(
      benchmarkLookup({ benchmark, pool, budget: 1 }),
      record({ run, event: 'query' }),
    );
    expectTypeOf(queries).toEqualTypeOf<Observable<QueryRow>>();
    expectTypeOf(seedCells({ ...search, count: 1 })).toEqualTypeOf<Observable<Proposal>>();
    const trained = trainOnPool({ controller, pool, seed: 1, round: 0, epochs: 1 }).pipe(
      record({ run, event: 'train' }),
    );
    expectTypeOf(trained).toEqualTypeOf<Observable<TrainRow>>();
    const embeddings = embedCells({ space, controller, cells: new Uint32Array(0) }).pipe(
      record({ run, event: 'embedding' }),
    );
    expectTypeOf(embeddings).toEqualTypeOf<Observable<EventBatch<'embedding'>>>();
    expectTypeOf(jobs$.pipe(trainCells({ start, credit }))).toEqualTypeOf<Observable<Training>>();
    expectTypeOf(replayRows('run', 'query')).toEqualTypeOf<Observable<EventRow<'query'>>>();
  });

  it('a stage that is metered keeps its types', () => {
    const counts = meters.of({}, 'mutate');
    const cells = anchors$.pipe(
      metered({ counts }, mutate({ space, seed: 1, samplesPerClass: 8 })),
      metered({ counts }, batch({ rows: 512 })),
    );
    expectTypeOf(cells).toEqualTypeOf<Observable<CellBatch>>();
  });

  it('columns of one’s own flow on through the stages that let them', () => {
    type Own = { tokens: Tokens; label: Int32; weight: Float32 };
    const own$ = null as unknown as Observable<InScope<RecordBatch<Own>>>;
    const mined = own$.pipe(encode({ controller }), mine({ miner }));
    expectTypeOf(mined).toEqualTypeOf<Observable<Mined<Own>>>();
    expectTypeOf(mined.pipe(lossStep(step))).toEqualTypeOf<Observable<StepRow>>();
  });
});

describe('a stage does not compile after one that lacks its columns', () => {
  type Hashes = { hash: Utf8 };
  const hashes$ = null as unknown as Observable<RecordBatch<Hashes>>;

  it('mutate needs anchors', () => {
    // @ts-expect-error batches of hashes have no anchor
    hashes$.pipe(mutate({ space, seed: 1, samplesPerClass: 8 }));
    // @ts-expect-error also behind a stage that passes columns on
    hashes$.pipe(batch({ rows: 64 }), mutate({ space, seed: 1, samplesPerClass: 8 }));
  });

  it('encode needs tokens, and a turn', () => {
    const untold$ = null as unknown as Observable<InScope<RecordBatch<{ cell: Uint32 }>>>;
    // @ts-expect-error cells without tokens
    untold$.pipe(encode({ controller }));
    // @ts-expect-error batches outside of a turn
    cells$.pipe(encode({ controller }));
    // @ts-expect-error anchors have no tokens, in a turn either
    anchors$.pipe(inTurn({ credit }, encode({ controller })));
  });

  it('mine needs embeddings and labels', () => {
    // @ts-expect-error encode comes first
    cells$.pipe(mine({ miner }));
    // @ts-expect-error in a turn as well
    turn$.pipe(mine({ miner }));
    const unlabelled$ = null as unknown as Observable<InScope<RecordBatch<{ tokens: Tokens }>>>;
    // @ts-expect-error no classes to choose from
    unlabelled$.pipe(encode({ controller }), mine({ miner }));
  });

  it('lossStep needs what was mined', () => {
    // @ts-expect-error mine comes first
    turn$.pipe(encode({ controller }), lossStep(step));
    expectTypeOf<Mined<never>>().toHaveProperty('selection');
  });

  it('record needs the columns of its event', () => {
    // @ts-expect-error steps are no queries
    steps$.pipe(record({ run, event: 'query' }));
    // @ts-expect-error proposals have no accuracies yet
    proposals$.pipe(record({ run, event: 'query' }));
    // @ts-expect-error batches of cells have no embedding
    cells$.pipe(record({ run, event: 'embedding' }));
    // @ts-expect-error no such event
    steps$.pipe(record({ run, event: 'stp' }));
    expectTypeOf(cells$.pipe(record({ run, event: 'warning', toRows: () => undefined }))).toEqualTypeOf<
      Observable<CellBatch>
    >();
  });

  it('watchCollapse and checkpoint need steps', () => {
    // @ts-expect-error queries are no steps
    proposals$.pipe(watchCollapse({ run, reference }));
    // @ts-expect-error proposals have no step to count by
    proposals$.pipe(checkpoint({ every: 1, save }));
  });

  it('benchmarkLookup needs proposals, trainCells jobs', () => {
    // @ts-expect-error a batch is no proposal
    cells$.pipe(benchmarkLookup({ benchmark, pool, budget: 1 }));
    // @ts-expect-error proposals do not say which repeat
    proposals$.pipe(trainCells({ start, credit }));
    const homeless$ = proposals$.pipe(map(({ cell, origin }) => ({ cell, origin })));
    // @ts-expect-error a proposal without its round
    homeless$.pipe(benchmarkLookup({ benchmark, pool, budget: 1 }));
  });

  it('a stage of one’s own that needs an embedding', () => {
    const nearest = () => map((each: EventBatch<'embedding'>) => each.numRows);
    const embedded$ = embedCells({ space, controller, cells: new Uint32Array(0) });
    expectTypeOf(embedded$.pipe(nearest())).toEqualTypeOf<Observable<number>>();
    // @ts-expect-error cells have none yet
    cells$.pipe(nearest());
  });
});
