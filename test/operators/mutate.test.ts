import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type AnchorBatch,
  anchorBatch,
  type CellBatch,
  cellsOf,
  labelsOf,
  tokensOf,
  values,
} from '../../src/core/batch/index.js';
import { nasbench101 } from '../../src/core/space/nasbench101.js';
import { mutate } from '../../src/operators/mutate.js';
import { operatorConformance } from '../conformance/operator.js';

const space = nasbench101;
const batchOf = (from: number) => anchorBatch(space.cells().slice(from, from + 5));
const run = (batches: AnchorBatch[], firstStep = 0) =>
  lastValueFrom(of(...batches).pipe(mutate({ space, seed: 3, samplesPerClass: 8, firstStep }), toArray()));

operatorConformance<AnchorBatch, CellBatch>('mutate', {
  create: () => mutate({ space, seed: 3, samplesPerClass: 8 }),
  items: () => [batchOf(1000), batchOf(200_000), batchOf(400_000)],
});

describe('mutate', () => {
  it('makes each anchor a class of itself and its positives, with tokens', async () => {
    const [cells] = await run([batchOf(300_000)]);
    expect(cells!.numRows).toBe(40);
    expect([...new Set(labelsOf(cells!))]).toHaveLength(5);
    const codes = cellsOf(cells!);
    const anchor = values(cells!, 'anchor');
    const edits = values(cells!, 'edits');
    const tokens = new Int32Array(space.sequenceLength);
    for (let row = 0; row < 40; row++) {
      if (row % 8 === 0) expect(codes[row]).toBe(anchor[row]);
      expect(space.distance(codes[row]!, anchor[row]!)).toBeLessThanOrEqual(edits[row]!);
      space.encode(codes[row]!, tokens, 0);
      const at = row * space.sequenceLength;
      expect(tokensOf(cells!).slice(at, at + space.sequenceLength)).toEqual(tokens);
    }
  });

  it('gives a batch the same positives wherever the run was resumed', async () => {
    const batches = [batchOf(10_000), batchOf(20_000), batchOf(30_000)];
    const all = await run(batches);
    const later = await run(batches.slice(1), 1);
    expect(later.map((batch) => [...cellsOf(batch)])).toEqual(
      all.slice(1).map((batch) => [...cellsOf(batch)]),
    );
  });
});
