import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Training } from '../../../../src/core/benchmark/live/training.js';
import { TrainingLog } from '../../../../src/core/benchmark/live/trainingLog.js';
import { startChild } from '../../../support/child.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const training: Training = {
  cell: 5,
  repeat: 1,
  parameters: 7,
  validation: 0.5,
  test: Number.NaN,
  seconds: 0.25,
};

it('keeps trainings by cell, repeat and protocol, NaN and flags too', () => {
  const file = join(temporaryFolder(), 'deep', 'log');
  const first = TrainingLog.open(file, 'a');
  first.add({ ...training, stopped: 'diverged' });
  first.close();

  const second = TrainingLog.open(file, 'a');
  expect(second.get(5, 1)).toMatchObject({ ...training, stopped: 'diverged' });
  expect(second.get(5, 0)).toBeUndefined();
  second.close();
  const other = TrainingLog.open(file, 'b');
  expect(other.get(5, 1)).toBeUndefined();
  other.close();
});

it('shares a file: sees what others add, and of a training that was added twice the first counts for all', () => {
  const file = join(temporaryFolder(), 'log');
  const [a, b] = [TrainingLog.open(file, 'p'), TrainingLog.open(file, 'p')];
  expect(a.add({ ...training, seconds: 1 }).seconds).toBe(1);
  expect(b.add({ ...training, seconds: 2 }).seconds).toBe(1);
  b.add({ ...training, cell: 6 });
  expect(a.get(6, 1)).toBeUndefined();
  a.refresh();
  expect(a.get(6, 1)).toMatchObject({ cell: 6 });
  const c = TrainingLog.open(file, 'p');
  expect(c.get(5, 1)).toMatchObject({ seconds: 1 });
  expect(c.size).toBe(2);
  for (const log of [a, b, c]) log.close();
});

it('loses to a torn tail or a flipped byte the record it hits, and nothing else', () => {
  const file = join(temporaryFolder(), 'log');
  const size = 20;
  const whole = TrainingLog.open(file, 'p');
  for (let cell = 0; cell < size; cell++) whole.add({ ...training, cell, test: cell / size });
  whole.close();
  const bytes = readFileSync(file);
  const kept = (log: TrainingLog) =>
    Array.from({ length: size }, (_, cell) => log.get(cell, 1)).map((found, cell) => {
      if (found) expect(found).toMatchObject({ ...training, cell, test: cell / size });
      return found !== undefined;
    });

  fc.assert(
    fc.property(
      fc.nat(bytes.length),
      fc.nat(bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      (cut, at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= flip;
        writeFileSync(file, damaged);
        truncateSync(file, cut);
        const log = TrainingLog.open(file, 'p');
        // A flipped line break joins two records.
        const records = bytes.toString('utf8', 0, cut).split('\n').length - 2;
        expect(kept(log).filter(Boolean).length).toBeGreaterThanOrEqual(records - (at < cut ? 2 : 0));
        // What is added after a torn tail is whole, for this reader and the next.
        log.add({ ...training, cell: 99 });
        log.close();
        const next = TrainingLog.open(file, 'p');
        expect(next.get(99, 1)).toMatchObject({ cell: 99 });
        next.close();
      },
    ),
    // A flipped high bit in the last record is no UTF-8 any more.
    { numRuns: 200, examples: [[bytes.length, bytes.length - 5, 0x80]] },
  );
});

it('reads a record that another process is still writing once it is whole', () => {
  const file = join(temporaryFolder(), 'log');
  const writer = TrainingLog.open(file, 'p');
  writer.add(training);
  writer.add({ ...training, cell: 6 });
  writer.close();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, -10));
  const reader = TrainingLog.open(file, 'p');
  expect(reader.size).toBe(1);
  appendFileSync(file, bytes.subarray(-10, -3));
  reader.refresh();
  expect(reader.size).toBe(1);
  appendFileSync(file, bytes.subarray(-3));
  reader.refresh();
  expect(reader.size).toBe(2);
  reader.close();
});

it('takes records of several processes at once, each whole', async () => {
  const file = join(temporaryFolder(), 'log');
  const writers = [0, 1, 2].map((which) =>
    startChild(new URL('./logWriterProcess.ts', import.meta.url), file, String(which)),
  );
  expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0]);
  const log = TrainingLog.open(file, 'p');
  expect(log.size).toBe(3 * 200);
  log.close();
});

it('says what is wrong with its path, with exit code 1', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'log'));
  expect(() => TrainingLog.open(join(folder, 'log'), 'a')).toThrow(expect.objectContaining({ exitCode: 1 }));
});
