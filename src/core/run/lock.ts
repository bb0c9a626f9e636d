import { closeSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { failure } from '../errors.js';
import { onStorage, parseJson, storageError, writeFully } from './files.js';

/** Who holds a run. */
export interface LockHolder {
  pid: number;
  /** When the process began, so that a later process with the same number is not taken for it; '' where unknown. */
  start: string;
  host: string;
}

export interface Lock {
  readonly path: string;
  /** Does nothing when called again. */
  release(): void;
}

/** A lock file without content is one that its process is about to write, or died over. */
const grace = 10_000;

/**
 * Take the lock file `path`, or throw exit code 1 naming who holds it. The lock of a process that is gone is taken over;
 * of several that try, one succeeds.
 */
export function acquireLock(path: string): Lock {
  const me: LockHolder = { pid: process.pid, start: startOf(process.pid) ?? '', host: hostname() };
  for (;;) {
    if (create(path, me)) return lockAt(path);
    const holder = readHolder(path);
    if (holder === 'gone') continue;
    if (holder === 'unknown' || isAlive(holder)) throw held(path, holder);
    takeOver(path, holder);
  }
}

/** The process that holds the lock now, or undefined. */
export function lockHolder(path: string): LockHolder | undefined {
  const holder = readHolder(path);
  return typeof holder === 'object' && isAlive(holder) ? holder : undefined;
}

function lockAt(path: string): Lock {
  let released = false;
  return {
    path,
    release() {
      if (!released) rmSync(path, { force: true });
      released = true;
    },
  };
}

function create(path: string, me: LockHolder): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw storageError(error, path);
  }
  try {
    writeFully(fd, Buffer.from(`${JSON.stringify(me)}\n`), 0);
    return true;
  } catch (error) {
    rmSync(path, { force: true });
    throw storageError(error, path);
  } finally {
    closeSync(fd);
  }
}

/**
 * Removes the lock of a dead process. Who may do that is decided by a lock on the lock, so that nobody removes the lock that another
 * one has just taken.
 */
function takeOver(path: string, dead: LockHolder): void {
  const guard = acquireLock(`${path}.takeover`);
  try {
    const now = readHolder(path);
    if (typeof now === 'object' && JSON.stringify(now) === JSON.stringify(dead)) {
      onStorage(path, () => rmSync(path, { force: true }));
    }
  } finally {
    guard.release();
  }
}

function readHolder(path: string): LockHolder | 'gone' | 'unknown' {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats) return 'gone';
    if (!stats.isFile() || stats.size > 4096) {
      throw failure(`${path} is no lock file of rxnas`, 'remove it when no process uses the run');
    }
    const text = readFileSync(path, 'utf8');
    if (text.trim() === '') {
      const age = Date.now() - stats.mtimeMs;
      return age > grace ? { pid: 0, start: '', host: hostname() } : 'unknown';
    }
    const hint = 'delete it when no process uses the run';
    const found = parseJson(text, path, hint) as Partial<LockHolder> | null;
    const { pid, start, host } = found ?? {};
    if (typeof pid !== 'number' || typeof start !== 'string' || typeof host !== 'string') {
      throw failure(`${path} does not say who holds the run`, hint);
    }
    return { pid, start, host };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw storageError(error, path);
  }
}

function isAlive({ pid, start, host }: LockHolder): boolean {
  if (host !== hostname()) return true; // cannot be known from here
  if (!isRunning(pid)) return false;
  const now = startOf(pid);
  return now === undefined || start === '' || now === start;
}

/** Whether a process has this number. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return true;
}

/** Boot and clock tick at which a process began, on Linux; undefined elsewhere. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in brackets and may hold anything; the start time is the 20th after it.
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

function held(path: string, holder: LockHolder | 'unknown') {
  const hint = `wait until it ends, or stop it; where no such process exists any more, delete ${path}`;
  if (holder === 'unknown')
    return failure(`another process is taking the run at this moment (${path})`, hint);
  const who = holder.pid === process.pid ? 'this process' : `process ${holder.pid}`;
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return failure(`the run is in use by ${who}${where}`, hint);
}
