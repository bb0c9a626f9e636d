import { setTimeout } from 'node:timers/promises';
import type { RecordBatch } from 'apache-arrow';
import { defer, lastValueFrom, type OperatorFunction, of, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddingBatch, rowsOf } from '../../src/core/batch/index.js';
import { openBenchmark } from '../../src/core/benchmark/index.js';
import { controllerFor } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import {
  type Controller,
  type OpenedEngine,
  openEngine,
  type StageSpec,
  stream,
} from '../../src/core/index.js';
import { nasbench101 } from '../../src/core/space/nasbench101.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { tokensOfCells } from '../../src/core/space/space.js';
import { embedCells } from '../../src/operators/embedCells.js';
import { withAccuracy } from '../../src/operators/withAccuracy.js';
import { withTokens } from '../../src/operators/withTokens.js';
import { withUmap } from '../../src/operators/withUmap.js';
import { operatorConformance } from '../../src/testing/operator.js';

const config = controllerFor(space);
let engine: OpenedEngine;
let controller: Controller;
beforeAll(async () => {
  engine = await openEngine('simd', { threads: 1 });
  controller = await engine.controller(config, initialWeights(config, 1));
});
afterAll(async () => {
  controller.dispose();
  await engine.dispose();
});

const batches = (from = space, count = 12) =>
  [0, 1, 2].map((part) => {
    const cell = from.cells().slice(part * count, (part + 1) * count);
    const random = stream(part, 'embedding');
    return embeddingBatch(16, {
      cell,
      hash: Array.from(cell, (code) => from.hash(code)),
      embedding: Float32Array.from({ length: 16 * count }, () => random.normal()),
    });
  });

type Batch = ReturnType<typeof batches>[number];
type Operator = OperatorFunction<Batch, RecordBatch>;

/** They subscribe to their source once they are ready, so that nothing waits in memory: it may be too late to be torn down. */
const conformance = (create: () => Operator, spec: StageSpec, from = space) =>
  operatorConformance({ create, items: () => batches(from), spec }).filter(
    ({ name }) => !name.startsWith('early unsubscribe'),
  );

const sampled = stream(1, 'sample').shuffle(space.cells().slice()).subarray(0, 150);
const umap = () => withUmap({ space, controller, seed: 1, cells: sampled, neighbors: 5 });

describe('withTokens', () => {
  for (const { name, run } of operatorConformance({
    create: () => withTokens({ space }) as Operator,
    items: () => batches(),
    spec: withTokens.spec,
  })) {
    it(name, run);
  }

  it('adds the sequences that the space encodes', async () => {
    const [first] = await lastValueFrom(
      embedCells({ space, controller, cells: sampled, rows: 150 }).pipe(withTokens({ space }), toArray()),
    );
    const rows = [...rowsOf(first!)];
    expect(Int32Array.from(rows.flatMap(({ tokens }) => [...tokens]))).toEqual(tokensOfCells(space, sampled));
    expect(Object.keys(rows[0]!)).toEqual(['cell', 'hash', 'embedding', 'tokens']);
  });
});

describe('withAccuracy', async () => {
  const benchmark = await openBenchmark('mnist-cells5');
  const create = () => withAccuracy({ benchmark }) as Operator;
  for (const { name, run } of conformance(create, withAccuracy.spec, nasbench101)) it(name, run);

  it('adds the means of known cells, NaN for others', async () => {
    const cells = nasbench101.cells();
    const cell = Uint32Array.of(cells[40]!, cells.at(-1)!);
    const batch = embeddingBatch(1, { cell, hash: ['', ''], embedding: new Float32Array(2) });
    const [known, unknown] = [...rowsOf(await lastValueFrom(withAccuracy({ benchmark })(of(batch))))];
    const { test } = await benchmark.lookup(cell[0]!);
    expect(known!.test).toBeCloseTo(test.reduce((a, b) => a + b) / test.length, 12);
    expect([unknown!.test, unknown!.validation]).toEqual([Number.NaN, Number.NaN]);
  });

  it('says where a benchmark cannot list its cells', async () => {
    const unlisted = { ...benchmark, name: 'live', list: undefined } as never;
    await expect(
      lastValueFrom(withAccuracy({ benchmark: unlisted })(of(...batches(nasbench101)))),
    ).rejects.toMatchObject({
      exitCode: 3,
    });
  });
});

describe('withUmap', () => {
  const create = () =>
    withUmap({ space, controller, seed: 1, cells: sampled.subarray(0, 30), neighbors: 5 }) as Operator;
  for (const { name, run } of conformance(create, withUmap.spec)) it(name, run);

  it('does not ask for a batch when it is left before the layout is there', async () => {
    let asked = 0;
    const source = defer(() => {
      asked++;
      return of(...batches());
    });
    source.pipe(create()).subscribe().unsubscribe();
    await setTimeout(100);
    expect(asked).toBe(0);
  });

  it('gives a cell the same place, whatever passes with it', async () => {
    const place = async (rows: number) => {
      const out = await lastValueFrom(
        embedCells({ space, controller, cells: sampled, rows }).pipe(umap(), toArray()),
      );
      return out.flatMap((batch) => [...rowsOf(batch)].map(({ umap_x, umap_y }) => [umap_x, umap_y]));
    };
    const places = await place(150);
    expect(new Set(places.map(String)).size).toBeGreaterThan(100);
    expect(await place(40)).toEqual(places);
  });

  it('needs more cells than neighbours', async () => {
    const few = withUmap({ space, controller, seed: 1, cells: sampled.subarray(0, 5), neighbors: 5 });
    await expect(lastValueFrom((few as Operator)(of(...batches())))).rejects.toMatchObject({ exitCode: 2 });
  });
});
