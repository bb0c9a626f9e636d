import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRun, readEmbeddings } from '../../src/core/run/index.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { neighboursOf } from '../../src/jobs/neighbours.js';
import { embedSpec } from '../../src/jobs/settings.js';
import { specJob } from '../../src/jobs/specJob.js';
import { smallPretraining } from '../support/smallPretraining.js';

const folder = mkdtempSync(join(tmpdir(), 'rxnas-neighbours-'));
const run = join(folder, 'run');
const options = { count: 5, engine: 'simd', threads: 1 } as const;
const embed = async (name: string, cells?: number) => {
  const settings = { controller: run, space: space.name, engine: 'simd', threads: 1, cells };
  return (await specJob(await embedSpec(settings), { out: join(folder, name), stop: NEVER })).dir;
};

beforeAll(() => smallPretraining(run));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('neighbours', () => {
  it('are those of a full sort over the whole space, also from embeddings that a run has written', async () => {
    const all = await embed('all');
    const { values, width } = readEmbeddings(openRun(all))!;
    const distance = (id: number) =>
      Math.hypot(...values.subarray(0, width).map((value, i) => value - values[id * width + i]!));
    const sorted = Array.from({ length: space.size }, (_, id) => id).slice(1);
    sorted.sort((a, b) => distance(a) - distance(b));
    const found = await neighboursOf({ ...options, run, cell: '0' });
    expect(found).toMatchObject({
      space: space.name,
      cells: space.size,
      cell: { id: 0, edits: 0, distance: 0 },
    });
    for (const [i, { id, distance: to, edits }] of found.neighbours.entries()) {
      expect(to).toBeCloseTo(distance(sorted[i]!), 6);
      expect(edits).toBe(space.distance(space.cells()[0]!, space.cells()[id]!));
    }
    expect(await neighboursOf({ ...options, run: all, cell: '0' })).toEqual(found);
  });

  it('says what is missing', async () => {
    const some = await embed('some', 20);
    const embedded = new Set(readEmbeddings(openRun(some))!.cells);
    const other = space.cells().findIndex((cell) => !embedded.has(cell));
    await expect(neighboursOf({ ...options, run: some, cell: String(other) })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('no embedding of the cell'),
    });
    await expect(neighboursOf({ ...options, run, cell: '15625' })).rejects.toMatchObject({ exitCode: 2 });
    await expect(
      neighboursOf({ ...options, run, cell: '0', benchmark: 'mnist-cells5' }),
    ).rejects.toMatchObject({ exitCode: 3 });
  });
});
