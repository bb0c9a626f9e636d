import { spawn } from 'node:child_process';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RxnasError } from '../../../src/core/errors.js';
import { acquireLock, lockHolder } from '../../../src/core/run/lock.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const lockPath = () => join(temporaryFolder(), 'run.lock');
const write = (path: string, holder: object) => writeFileSync(path, JSON.stringify(holder));

describe('lock', () => {
  it('has one holder', () => {
    const path = lockPath();
    const lock = acquireLock(path);
    expect(lockHolder(path)?.pid).toBe(process.pid);
    expect(() => acquireLock(path)).toThrow('in use by this process');
    lock.release();
    lock.release();
    acquireLock(path).release();
    expect(existsSync(path)).toBe(false);
  });

  it('of a living process is respected, of a dead one taken over', async () => {
    const path = lockPath();
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
    try {
      write(path, { pid: child.pid, start: '', host: hostname() });
      let error: unknown;
      try {
        acquireLock(path);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(RxnasError);
      expect((error as RxnasError).message).toBe(`the run is in use by process ${child.pid}`);
      expect((error as RxnasError).exitCode).toBe(1);
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    acquireLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
    expect(existsSync(`${path}.takeover`)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('is not that of a later process with the same number', () => {
    const path = lockPath();
    write(path, { pid: process.pid, start: 'another boot/12345', host: hostname() });
    expect(lockHolder(path)).toBeUndefined();
    acquireLock(path).release();
  });

  it('of another host is respected: its processes cannot be seen', () => {
    const path = lockPath();
    write(path, { pid: 1, start: '', host: 'elsewhere.example' });
    expect(() => acquireLock(path)).toThrow('in use by process 1 on elsewhere.example');
  });

  it('that is empty belongs to a process about to write it, for ten seconds', () => {
    const path = lockPath();
    writeFileSync(path, '');
    expect(() => acquireLock(path)).toThrow('taking the run at this moment');
    utimesSync(path, new Date(), Date.now() / 1000 - 60);
    acquireLock(path).release();
  });

  it('with nonsense in it is named', () => {
    const path = lockPath();
    writeFileSync(path, '{"pid":');
    expect(() => acquireLock(path)).toThrow('not valid JSON');
    writeFileSync(path, Buffer.alloc(10_000, ' '));
    expect(() => acquireLock(path)).toThrow('is no lock file of rxnas');
    writeFileSync(path, 'null');
    expect(() => acquireLock(path)).toThrow('does not say who holds the run');
  });
});
