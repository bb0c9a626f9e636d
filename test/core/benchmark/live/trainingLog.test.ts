import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TrainingLog } from '../../../../src/core/benchmark/live/trainingLog.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const training = { cell: 5, repeat: 1, parameters: 7, validation: 0.5, test: Number.NaN, seconds: 0.25 };

it('keeps trainings by cell, repeat and protocol, cuts a torn tail and goes on', () => {
  const file = join(temporaryFolder(), 'deep', 'log.jsonl');
  const first = TrainingLog.open(file, 'a');
  first.append(training);
  first.close();
  const whole = readFileSync(file, 'utf8');
  appendFileSync(file, '{"protocol":"a","cell":6,"rep');

  const second = TrainingLog.open(file, 'a');
  expect(readFileSync(file, 'utf8')).toBe(whole);
  expect(second.get(5, 1)).toMatchObject(training);
  expect(second.get(5, 0)).toBeUndefined();
  second.append({ ...training, cell: 6 });
  second.close();

  const third = TrainingLog.open(file, 'a');
  expect(third.get(6, 1)).toMatchObject({ cell: 6, test: Number.NaN });
  third.close();
  const other = TrainingLog.open(file, 'b');
  expect(other.get(5, 1)).toBeUndefined();
  other.close();
});

it('says what is wrong with its path, with exit code 1', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'log.jsonl'));
  expect(() => TrainingLog.open(join(folder, 'log.jsonl'), 'a')).toThrow(
    expect.objectContaining({ exitCode: 1 }),
  );
});
