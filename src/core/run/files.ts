import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { dataError, failure, RxnasError } from '../errors.js';

/** What a failed file operation means to its user (exit code 1); errors that are none are handed back as they are. */
export function storageError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (error instanceof RxnasError || !code || !(error as NodeJS.ErrnoException).syscall) return error;
  const options = { cause: error };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return failure(
        `the disk is full: cannot write ${path}`,
        'free some space; what was written before is intact, and a run can be resumed',
        options,
      );
    case 'EIO':
      return failure(
        `the disk reports an I/O error (EIO) at ${path}`,
        'check the disk; what was written before is kept, and a run can be resumed',
        options,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failure(
        `no permission to write ${path} (${code})`,
        'change its permissions, or give another folder',
        options,
      );
    case 'ENOTDIR':
      return failure(`a part of the path ${path} is a file, not a folder`, 'give another folder', options);
    default:
      return failure(`cannot access ${path} (${code})`, 'check the path and the disk', options);
  }
}

/** Run `work`, turning errors of the file system into {@link storageError}s about `path`. */
export function onStorage<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Write all of `bytes` at `position`. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/**
 * Make a folder and those above it; does nothing where it is there. With `recursive` mkdir never comes back where a file system lets nobody
 * make folders but says ENOENT (Node on /proc).
 */
export function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was faster
  }
}

/** Make renames and new names in `folder` durable. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** SHA-256 over an open file, from its begin. */
export function sha256Of(fd: number): Hash {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  for (let at = 0; ; ) {
    const count = readSync(fd, buffer, 0, buffer.length, at);
    if (count === 0) return hash;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
}

const fsyncAsync = promisify(fsync);
const temporaryPrefix = '.tmp-';
let opened = 0;

/** Whether `name` is a file that a process was still writing when it ended. */
export const isTemporary = (name: string): boolean => name.startsWith(temporaryPrefix);

/**
 * A file that becomes visible whole or not at all: written beside its place under a hidden name, made durable, renamed. Errors are
 * {@link storageError}s; the file that was at its place before is intact until {@link commit} has succeeded.
 */
export class NewFile {
  readonly #temporary: string;
  readonly #fd: number;
  #open = true;
  #bytes = 0;

  constructor(readonly path: string) {
    this.#temporary = join(dirname(path), `${temporaryPrefix}${process.pid}-${opened++}-${basename(path)}`);
    // Exclusive: never through a link that someone has laid there.
    this.#fd = onStorage(path, () => openSync(this.#temporary, 'wx', 0o666));
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  write(bytes: Uint8Array): void {
    try {
      writeFully(this.#fd, bytes, this.#bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      this.discard();
      throw storageError(error, this.path);
    }
  }

  async commit(): Promise<void> {
    try {
      await fsyncAsync(this.#fd);
      closeSync(this.#fd);
      this.#open = false;
      renameSync(this.#temporary, this.path);
      syncFolder(dirname(this.path));
    } catch (error) {
      this.discard();
      throw storageError(error, this.path);
    }
  }

  /** Give it up; does nothing after {@link commit}. */
  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }
}

/** Replace a whole file atomically and durably. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const file = new NewFile(path);
  file.write(typeof content === 'string' ? Buffer.from(content) : content);
  await file.commit();
}

/** A regular file of at most `limit` bytes, or exit code 3. Links are refused: a run folder may come from anywhere. */
export function readSmallFile(path: string, limit: number, hint: string): Buffer {
  const stats = onStorage(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (!stats) throw dataError(`${path} is missing`, hint);
  if (!stats.isFile()) throw dataError(`${path} is not a regular file`, hint);
  if (stats.size > limit) throw dataError(`${path} has ${stats.size} bytes, more than ${limit}`, hint);
  return onStorage(path, () => readFileSync(path));
}

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const maxDepth = 100;

/**
 * JSON from a file that anyone may have written: keys that could reach a prototype and nesting deeper than 100 are
 * refused. Throws exit code 3.
 */
export function parseJson(text: string, path: string, hint: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(text);
    checkJson(value, 0);
    return value;
  } catch (error) {
    throw dataError(`${path} is not valid JSON: ${(error as Error).message}`, hint, { cause: error });
  }
}

function checkJson(value: JsonValue, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    for (const item of value) checkJson(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (forbidden.has(key)) throw new Error(`the key '${key}' is not allowed`);
    checkJson(value[key]!, depth + 1);
  }
}
