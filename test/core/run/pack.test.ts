import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  collectGarbage,
  createRun,
  findRun,
  openRun,
  packRun,
  removeRun,
  unpackRun,
} from '../../../src/core/run/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

async function finished(root: string) {
  const run = await createRun({ kind: 'fault', root, spec: { a: 1 }, seed: 1 });
  run.append('proposal', { round: 0, step: 1, decoded: 1, valid: 1, fresh: 1 });
  for (let step = 0; step < 2; step++) {
    await run.checkpoint({ space: 'none', position: { step, epoch: 0, round: 0 } });
  }
  await run.finish('done');
  return run.dir;
}

/** Change the bytes of the first entry's header and set its checksum right again. */
function forged(tar: Buffer, change: (header: Buffer) => void): Buffer {
  const bytes = Buffer.from(tar);
  change(bytes.subarray(0, 512));
  let sum = 256;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += bytes[i]!;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

describe('a packed run', () => {
  it('is the same run elsewhere, and packs to the same bytes', async () => {
    const dir = await finished(temporaryFolder());
    const folder = temporaryFolder();
    const { file } = await packRun(dir, join(folder, 'run.tar'));
    const copy = await unpackRun(file, { root: folder });
    expect(openRun(copy).manifest).toEqual(openRun(dir).manifest);
    expect(readFileSync(join(copy, 'events.log'))).toEqual(readFileSync(join(dir, 'events.log')));
    expect(readdirSync(copy, { recursive: true }).sort()).toEqual(
      readdirSync(dir, { recursive: true }).sort(),
    );
    const again = await packRun(copy, join(folder, 'again.tar'));
    expect(readFileSync(again.file)).toEqual(readFileSync(file));
    await expect(unpackRun(file, { root: folder })).rejects.toMatchObject({ exitCode: 2 });
  });

  it('figure 12: from hostile hands is refused, and nothing is written', async () => {
    const folder = temporaryFolder();
    const { file } = await packRun(await finished(temporaryFolder()), join(folder, 'run.tar'));
    const tar = readFileSync(file);
    const named = (name: string) =>
      forged(tar, (header) => {
        header.fill(0, 0, 100);
        header.write(name, 0);
      });
    const hostile: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      zeros: Buffer.alloc(1024),
      noTar: Buffer.from('x'.repeat(2000)),
      cut: tar.subarray(0, 700),
      flipped: Buffer.from(tar).fill(1, 3, 4),
      traversal: named('../../escaped.txt'),
      absolute: named('/tmp/escaped.txt'),
      insideTraversal: named('checkpoints/../../00000000.ckpt'),
      hidden: named('.bashrc'),
      twice: named('manifest.json'),
      link: forged(tar, (header) => header.write('2', 156)),
      folder: forged(tar, (header) => header.write('5', 156)),
      prefixed: forged(tar, (header) => header.write('../..', 345)),
      tenGigabytes: forged(tar, (header) => header.write('77777777777\0', 124)),
      negative: forged(tar, (header) => header.write('-0000000001\0', 124)),
      noNumber: forged(tar, (header) => header.write('zzzzzzzzzzz\0', 124)),
    };
    const before = readdirSync(folder);
    let refused = 0;
    for (const [name, bytes] of Object.entries(hostile)) {
      const path = join(folder, 'hostile.tar');
      writeFileSync(path, bytes);
      await expect(unpackRun(path, { root: join(folder, 'runs') }), name).rejects.toMatchObject({
        exitCode: 3,
      });
      refused++;
    }
    expect(refused).toBe(Object.keys(hostile).length);
    expect(readdirSync(folder).sort()).toEqual([...before, 'hostile.tar'].sort());
    await expect(unpackRun(join(folder, 'none.tar'), {})).rejects.toMatchObject({ exitCode: 3 });
    await expect(unpackRun(folder, {})).rejects.toMatchObject({ exitCode: 3 });
  });

  it('whose log is damaged leaves no run behind', async () => {
    const folder = temporaryFolder();
    const { file } = await packRun(await finished(temporaryFolder()), join(folder, 'run.tar'));
    const tar = readFileSync(file);
    const at = tar.indexOf('RXLF') + 60;
    tar[at]! ^= 1;
    writeFileSync(file, tar);
    await expect(unpackRun(file, { root: folder })).rejects.toMatchObject({ exitCode: 3 });
    expect(readdirSync(folder)).toEqual(['run.tar']);
  });

  it('is not made of a run that is being written', async () => {
    const run = await createRun({ kind: 'fault', root: temporaryFolder(), spec: {}, seed: 1 });
    await expect(packRun(run.dir, join(temporaryFolder(), 'x.tar'))).rejects.toMatchObject({ exitCode: 1 });
    expect(() => removeRun(run.dir)).toThrow('in use');
    run.close();
  });
});

describe('the registry', () => {
  it('finds runs by path, name, part of a name and age', async () => {
    const root = temporaryFolder();
    const dir = await finished(root);
    const name = dir.slice(root.length + 1);
    for (const given of [dir, name, name.slice(-6), 'latest']) expect(findRun(given, root)).toBe(dir);
    expect(() => findRun('no-such-run', root)).toThrow("there is no run 'no-such-run'");
    expect(() => findRun(root, root)).toThrow('holds no run');
    await finished(root);
    expect(() => findRun('fault', root)).toThrow('could be 2 runs');
  });

  it('collects what no run needs, and nothing else', async () => {
    const root = temporaryFolder();
    const dir = await finished(root);
    writeFileSync(join(dir, '.tmp-1-0-metrics-000.parquet'), 'half');
    const stopped = await createRun({ kind: 'fault', root, spec: {}, seed: 1 });
    for (let step = 0; step < 2; step++) {
      await stopped.checkpoint({ space: 'none', position: { step, epoch: 0, round: 0 } });
    }
    mkdirSync(join(root, 'broken'));
    writeFileSync(join(root, 'broken', 'manifest.json'), '{');
    const wanted = collectGarbage(root, { dryRun: true });
    expect(wanted.files.map((file) => file.slice(dir.length + 1)).sort()).toEqual([
      '.tmp-1-0-metrics-000.parquet',
      'checkpoints/00000000.ckpt',
    ]);
    expect(wanted.skipped).toHaveLength(2);
    expect(wanted.files.every((file) => existsSync(file))).toBe(true);
    expect(collectGarbage(root).files).toEqual(wanted.files);
    expect(wanted.files.some((file) => existsSync(file))).toBe(false);
    expect(readdirSync(join(stopped.dir, 'checkpoints'))).toHaveLength(2);
    stopped.close();
  });

  it('collects folders in which a process ended before it had made a run, and no others', async () => {
    const root = temporaryFolder();
    const dead = JSON.stringify({ pid: 999_999_999, start: '', host: hostname() });
    /** As `createRun` leaves it when it is killed after so many steps. */
    const half = async (name: string, lock: string) => {
      const run = await createRun({ kind: 'fault', out: join(root, name), spec: {}, seed: 1 });
      run.close();
      rmSync(join(run.dir, 'manifest.json'));
      writeFileSync(join(run.dir, 'run.lock'), lock);
      writeFileSync(join(run.dir, '.tmp-1-1-manifest.json'), '{');
    };
    const mine = JSON.stringify({ pid: process.pid, start: '', host: hostname() });
    await half('dead', dead);
    await half('alive', mine);
    await half('with-a-thesis', dead);
    writeFileSync(join(root, 'with-a-thesis', 'thesis.tex'), 'precious');
    mkdirSync(join(root, 'empty-folder-of-mine'));
    const old = join(root, '20240131-154500-pretrain-k3x9ab');
    mkdirSync(old);
    utimesSync(old, 1, 1);
    mkdirSync(join(root, '20240131-154501-pretrain-k3x9ab'));
    mkdirSync(join(root, '.tmp-unpack-999999999', 'checkpoints'), { recursive: true });
    mkdirSync(join(root, `.tmp-unpack-${process.pid}`));
    const gone = ['.tmp-unpack-999999999', '20240131-154500-pretrain-k3x9ab', 'dead'];
    const before = readdirSync(root);
    expect(collectGarbage(root, { dryRun: true }).files.sort()).toEqual(gone.map((name) => join(root, name)));
    expect(readdirSync(root)).toEqual(before);
    collectGarbage(root);
    expect(readdirSync(root)).toEqual(before.filter((name) => !gone.includes(name)));
  });

  it.skipIf(process.platform === 'win32')('does not remove through a link', async () => {
    const root = temporaryFolder();
    const dir = await finished(temporaryFolder());
    symlinkSync(dir, join(root, 'link'));
    expect(() => removeRun(join(root, 'link'))).toThrow('is a link');
    expect(existsSync(join(dir, 'manifest.json'))).toBe(true);
    removeRun(dir);
    expect(existsSync(dir)).toBe(false);
  });
});
