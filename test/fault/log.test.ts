import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventSchemas, rowsOf } from '../../src/core/batch/index.js';
import { RxnasError } from '../../src/core/errors.js';
import { stream } from '../../src/core/random/random.js';
import {
  type LogDamage,
  type LogRecord,
  LogWriter,
  openRun,
  readLog,
  resumeRun,
  scanLog,
} from '../../src/core/run/index.js';
import { startChild } from '../support/child.js';
import { figure, fullSize as full } from '../support/figure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const proposal = (step: number) => ({ round: 1, step, decoded: 128, valid: 100, fresh: 7 });

/** A log of several small records, and where the last one begins. */
function smallLog(file: string, count: number): LogRecord[] {
  const log = LogWriter.create(file);
  for (let i = 0; i < count; i++) {
    log.appendRow('proposal', eventSchemas.proposal, proposal(i));
    log.appendRow('warning', eventSchemas.warning, { code: 'c', message: `message ${i}`, step: i });
  }
  log.close();
  return [...readLog(file)];
}

const stepsIn = (file: string) =>
  [...readLog(file, { events: ['proposal'] })].flatMap(({ batch }) =>
    [...rowsOf(batch)].map(({ step }) => step),
  );

describe('figure 2: damage to the log', () => {
  const logs: Record<string, (file: string) => void> = {
    'a log of small records': (file) => smallLog(file, 4),
    'the log of a pretraining': (file) => copyFileSync('test/golden/runs/pretrain-1/events.log', file),
    'the log of a search': (file) => copyFileSync('test/golden/runs/search-1/events.log', file),
  };

  it.each(Object.entries(logs))(
    '%s, cut at every byte of its last record: all before it are recovered, the next append is readable',
    async (name, write) => {
      const folder = temporaryFolder();
      const whole = join(folder, 'whole.log');
      write(whole);
      const records = [...readLog(whole)];
      const before = stepsIn(whole);
      const bytes = readFileSync(whole);
      const last = records.at(-1)!;
      const file = join(folder, 'events.log');
      let recovered = 0;
      const step = full || bytes.length - last.offset < 1000 ? 1 : 41;
      for (let end = last.offset; end < bytes.length; end += step) {
        if (end % 100 === 0) await setImmediate(); // vitest wants to hear of the test
        writeFileSync(file, bytes.subarray(0, end));
        const { writer, torn } = LogWriter.open(file);
        expect(torn?.offset ?? end).toBe(last.offset);
        expect(torn?.bytes ?? 0).toBe(end - last.offset);
        writer.appendRow('proposal', eventSchemas.proposal, proposal(4));
        writer.close();
        const found = [...readLog(file)].map(({ offset }) => offset);
        expect(found.slice(0, records.length - 1)).toEqual(records.slice(0, -1).map(({ offset }) => offset));
        expect(found).toHaveLength(records.length);
        expect(stepsIn(file)).toEqual([...before, 4]);
        recovered++;
      }
      expect(recovered).toBe(Math.ceil((bytes.length - last.offset) / step));
      figure(2, `${name} cut at ${recovered} places: ${recovered} recovered`);
    },
    600_000,
  );

  it('cut anywhere: what is whole is read', () => {
    const folder = temporaryFolder();
    const whole = join(folder, 'whole.log');
    const records = smallLog(whole, 3);
    const bytes = readFileSync(whole);
    const file = join(folder, 'events.log');
    for (let end = 0; end < bytes.length; end += full ? 1 : 17) {
      writeFileSync(file, bytes.subarray(0, end));
      const ends = [...records.slice(1).map(({ offset }) => offset), bytes.length];
      const before = records.filter((_, i) => end >= ends[i]!).length;
      // A schema record may lie between two records of rows.
      const found = [...readLog(file)].length;
      expect(found === before || found === before + 1).toBe(true);
      LogWriter.open(file).writer.close();
      expect([...readLog(file, { onTorn: () => expect.unreachable() })].length).toBe(found);
    }
  });

  it('one bit flipped at random places: none undetected, damage named with its offset', async () => {
    const folder = temporaryFolder();
    const whole = join(folder, 'whole.log');
    const records = smallLog(whole, 20);
    const bytes = readFileSync(whole);
    const file = join(folder, 'events.log');
    const random = stream(11, 'bit flips');
    const flips = full ? 10_000 : 500;
    let undetected = 0;
    for (let i = 0; i < flips; i++) {
      if (i % 100 === 0) await setImmediate(); // vitest wants to hear of the test
      const at = random.int(bytes.length);
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << random.int(8);
      writeFileSync(file, flipped);
      const damages: number[] = [];
      let count = 0;
      try {
        for (const _ of readLog(file, { onTorn: (damage: LogDamage) => damages.push(damage.offset) }))
          count++;
      } catch (error) {
        expect(error).toBeInstanceOf(RxnasError);
        damages.push(Number(/at byte (\d+)/.exec((error as RxnasError).message)?.[1] ?? 0));
      }
      if (damages.length === 0) undetected++;
      // The damage is named where its record begins, and all rows before it were read.
      expect(damages[0]!).toBeLessThanOrEqual(at);
      if (at >= 16) expect(count).toBe(records.filter(({ offset }) => offset < damages[0]!).length);
    }
    expect(undetected).toBe(0);
    figure(2, `${flips} bit flips: ${undetected} undetected`);
  }, 600_000);

  it('garbage behind the last record is a torn tail, whatever it holds', () => {
    const folder = temporaryFolder();
    const whole = join(folder, 'whole.log');
    const records = smallLog(whole, 2);
    const bytes = readFileSync(whole);
    const file = join(folder, 'events.log');
    const random = stream(12, 'garbage');
    for (const length of [1, 47, 48, 49, 4096, 70_000]) {
      for (const fill of ['zeros', 'noise', 'marks'] as const) {
        const tail = Buffer.alloc(length, fill === 'marks' ? 'RXLF' : 0);
        if (fill === 'noise') for (let i = 0; i < length; i++) tail[i] = random.int(256);
        writeFileSync(file, Buffer.concat([bytes, tail]));
        const { torn } = scanLog(file);
        expect(torn).toMatchObject({ offset: bytes.length, bytes: length });
        const { writer } = LogWriter.open(file);
        writer.close();
        expect(statSync(file).size).toBe(bytes.length);
        expect([...readLog(file)]).toHaveLength(records.length);
      }
    }
  });

  it('a log of another tool in its place, and random bytes, end in one message', () => {
    const file = join(temporaryFolder(), 'events.log');
    const random = stream(13, 'fuzz');
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.alloc(random.int(300));
      for (let b = 0; b < bytes.length; b++) bytes[b] = random.int(256);
      writeFileSync(file, bytes);
      if (bytes.length < 16) expect([...readLog(file)]).toEqual([]);
      else expect(() => [...readLog(file)]).toThrow(RxnasError);
    }
  });
});

describe('figure 1: kill -9', () => {
  it('while it logs and checkpoints: resumed, no row is lost or there twice', async () => {
    const out = join(temporaryFolder(), 'run');
    const kills = full ? 100 : 2;
    const random = stream(14, 'kills');
    for (let k = 0; k < kills; k++) {
      const child = startChild(
        new URL('./logWriterProcess.ts', import.meta.url),
        k === 0 ? 'create' : 'resume',
        out,
      );
      await child.lines.next(); // 'started'
      await child.lines.next();
      await new Promise((resolve) => setTimeout(resolve, random.int(60)));
      child.process.kill('SIGKILL');
      expect(await child.ended).toBe('SIGKILL');
      expect(() => [...openRun(out).records()]).not.toThrow();
    }
    const { run, checkpoint } = await resumeRun(out);
    const steps = checkpoint!.position.step;
    run.close();
    expect(steps).toBeGreaterThanOrEqual(500 * kills);
    expect(stepsIn(join(out, 'events.log'))).toEqual(Array.from({ length: steps }, (_, i) => i));
    figure(1, `log and checkpoints alone: killed ${kills} times, ${steps} of ${steps} rows there once`);
  }, 7_200_000);

  it('figure 11: a second process is refused, a dead one is taken over', async () => {
    const out = join(temporaryFolder(), 'run');
    const script = new URL('./logWriterProcess.ts', import.meta.url);
    const child = startChild(script, 'create', out);
    await child.lines.next();
    await child.lines.next();
    await expect(resumeRun(out)).rejects.toMatchObject({
      exitCode: 1,
      message: `the run is in use by process ${child.process.pid}`,
    });
    const copy = join(temporaryFolder(), 'copy.log');
    copyFileSync(join(out, 'events.log'), copy);
    expect(() => [...readLog(copy)]).not.toThrow(); // a reader beside the writer
    child.process.kill('SIGKILL');
    await child.ended;
    (await resumeRun(out)).run.close();
  });
});
