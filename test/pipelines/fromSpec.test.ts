import type { RecordBatch } from 'apache-arrow';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { rowsOf } from '../../src/core/batch/index.js';
import { controllerFor } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Engine } from '../../src/core/engine/engine.js';
import { createSimdEngine } from '../../src/core/engine/simd/index.js';
import { openLoss } from '../../src/core/losses/index.js';
import { openMiner } from '../../src/core/miners/index.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { anchors } from '../../src/operators/anchors.js';
import { batch } from '../../src/operators/batch.js';
import { encode } from '../../src/operators/encode.js';
import { inTurn } from '../../src/operators/inTurn.js';
import { lossStep } from '../../src/operators/lossStep.js';
import { mine } from '../../src/operators/mine.js';
import { mutate } from '../../src/operators/mutate.js';
import { pipelineFromSpec } from '../../src/pipelines/fromSpec/index.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createSimdEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const training = `
seed: 5
space: nasbench201
engine: { simd: { threads: 1 } }
pipeline:
  - anchors: { epochs: 1, steps: 4 }
  - mutate
  - batch: { rows: 32 }
  - encode
  - mine: { miner: TripletMargin }
  - lossStep: { loss: TripletMargin, weight: 1, learningRate: 0.5 }
`;

async function byHand() {
  const config = controllerFor(space);
  const controller = await engine.controller(config, initialWeights(config, 5));
  const credit = new Credit(4);
  try {
    return await lastValueFrom(
      anchors({ space, seed: 5, credit, classes: 4, epochs: 1 }).pipe(
        take(4),
        mutate({ space, seed: 5, samplesPerClass: 8 }),
        batch({ rows: 32 }),
        inTurn({ credit }, (turn) =>
          turn.pipe(
            encode({ controller }),
            mine({ miner: openMiner('TripletMargin') }),
            lossStep({
              controller,
              loss: openLoss('TripletMargin'),
              weight: 1,
              learningRate: 0.5,
              stepsPerEpoch: Math.floor(space.size / 4),
            }),
          ),
        ),
        toArray(),
      ),
    );
  } finally {
    controller.dispose();
  }
}

const all = (spec: string | object, logged?: unknown[]) =>
  lastValueFrom(
    pipelineFromSpec(spec, {
      ...(logged && { run: { append: (event: string, rows: unknown) => logged.push({ event, rows }) } }),
    }).pipe(toArray()),
  );

describe('pipelineFromSpec', () => {
  it('gives the same rows as the pipeline written by hand', async () => {
    const rows = await all(training);
    expect(rows).toHaveLength(4);
    expect(rows).toEqual(await byHand());
  });

  it('tee hands every row to the branches, which end with the phase', async () => {
    const logged: { event: string; rows: { step: number } }[] = [];
    const rows = await all(
      `${training}  - tee: { log: [{ record: { event: step } }], again: [{ record: { event: step } }] }\n`,
      logged,
    );
    expect(rows).toHaveLength(4);
    expect(logged.map(({ rows }) => rows.step)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('merge: several sources into one stream, several ways through it', async () => {
    const merged = await all({
      space: 'nasbench201',
      pipeline: [
        {
          merge: {
            two: [{ anchors: { classes: 4, steps: 2 } }],
            three: [{ anchors: { classes: 5, steps: 3 } }],
          },
        },
      ],
    });
    expect((merged as RecordBatch[]).map(({ numRows }) => numRows).sort()).toEqual([4, 4, 5, 5, 5]);
    const both = await all({
      space: 'nasbench201',
      pipeline: [
        { anchors: { classes: 4, steps: 2 } },
        { merge: { few: [{ batch: { rows: 2 } }], many: [{ batch: { rows: 8 } }] } },
      ],
    });
    expect((both as RecordBatch[]).map(({ numRows }) => numRows)).toEqual([2, 2, 2, 2, 8]);
  });

  it('rounds: a search, with its own stages', async () => {
    const spec = {
      seed: 2,
      pipeline: {
        search: [
          {
            rounds: {
              most: 3,
              searcher: { random: { perRound: 4 } },
              each: {
                query: ['propose', { benchmarkLookup: { budget: 10 } }, { record: { event: 'query' } }],
              },
            },
          },
        ],
      },
    };
    const logged: { event: string; rows: { query: number } }[] = [];
    const rounds = await all(spec, logged);
    expect(logged.map(({ rows }) => rows.query)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rounds).toEqual([
      { round: 0, queries: 4, fresh: 4, dry_rounds: 0 },
      { round: 1, queries: 8, fresh: 4, dry_rounds: 0 },
      { round: 2, queries: 10, fresh: 2, dry_rounds: 0 },
    ]);
  });

  it('phases run one after the other, with one controller', async () => {
    const rows = await all(
      training.replace('pipeline:\n', 'pipeline:\n  train:\n').replaceAll('\n  - ', '\n    - ') +
        '  embed:\n    - embedCells: { sample: 10, rows: 4 }\n',
    );
    const batches = rows.slice(4) as RecordBatch[];
    expect(batches.map(({ numRows }) => numRows)).toEqual([4, 4, 2]);
    const untrained = (await all({
      seed: 5,
      space: 'nasbench201',
      engine: { simd: { threads: 1 } },
      pipeline: [{ embedCells: { sample: 10, rows: 4 } }],
    })) as RecordBatch[];
    const first = (batch: RecordBatch) =>
      [...rowsOf(batch as never)][0] as { cell: number; embedding: Float32Array };
    expect(first(batches[0]!).cell).toBe(first(untrained[0]!).cell);
    expect(first(batches[0]!).embedding).not.toEqual(first(untrained[0]!).embedding);
  });

  it('stops at the source, and frees what it opened', async () => {
    const seen: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      const subscription = pipelineFromSpec(training.replace('steps: 4', 'steps: 400')).subscribe({
        next: (row) => {
          seen.push(row);
          if (seen.length === 2) {
            subscription.unsubscribe();
            setTimeout(resolve, 20);
          }
        },
        error: reject,
      });
    });
    expect(seen).toHaveLength(2);
  });

  it('refuses a wrong spec before anything runs', async () => {
    await expect(all(training.replace('encode', 'encoed'))).rejects.toMatchObject({
      message: "spec:9:5: unknown stage 'encoed'",
      exitCode: 2,
    });
  });
});
