import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { dataError, failure, usageError } from '../errors.js';
import { checkpointFiles, readCheckpoint } from './checkpoint.js';
import { NewFile, onStorage, storageError } from './files.js';
import { acquireLock } from './lock.js';
import { scanLog } from './log/reader.js';
import { readManifest } from './manifest.js';
import { lockFile, openRun } from './run.js';
import { logFile } from './tables.js';

/**
 * A packed run is a plain tar file (ustar, one file after the other, nothing compressed: `tar tf` lists it) of the files that a run has,
 * and of nothing else: every other name, link or type is refused when it is unpacked.
 */
const names = [
  /^manifest\.json$/,
  /^spec\.lock\.yaml$/,
  /^events\.log$/,
  /^checkpoints\/\d{8}\.ckpt$/,
  /^(metrics|queries|embeddings)-\d{3,}\.parquet$/,
];
const isRunFile = (name: string) => names.some((pattern) => pattern.test(name));

const block = 512;
const padded = (bytes: number) => Math.ceil(bytes / block) * block;
/** The size field has 11 octal digits. */
const largest = 8 ** 11 - 1;

/** Write a run that nobody is writing into one file, which is there whole or not at all. Throws exit code 1 where somebody is. */
export async function packRun(
  folder: string,
  out: string,
): Promise<{ file: string; files: number; bytes: number }> {
  const { dir } = openRun(folder);
  const target = resolve(out);
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`${out} is a folder`, `name a file, e.g. ${join(out, 'run.tar')}`);
  }
  const lock = acquireLock(lockFile(dir));
  try {
    const inside = readdirSync(dir).concat(
      checkpointFiles(dir).map((file) => `checkpoints/${file.slice(-13)}`),
    );
    const files = inside.filter(isRunFile).sort();
    const file = new NewFile(target);
    try {
      for (const name of files) copyIn(join(dir, name), name, file);
      file.write(new Uint8Array(2 * block));
      await file.commit();
    } catch (error) {
      file.discard();
      throw error;
    }
    return { file: target, files: files.length, bytes: file.bytes };
  } finally {
    lock.release();
  }
}

function copyIn(path: string, name: string, out: NewFile): void {
  const stats = lstatSync(path);
  if (!stats.isFile())
    throw dataError(`${path} is not a regular file`, 'a run folder holds its files itself');
  if (stats.size > largest) {
    throw failure(`${path} is larger than the 8 GiB that a tar file can hold`, 'copy the folder instead');
  }
  out.write(header(name, stats.size));
  const fd = onStorage(path, () => openSync(path, 'r'));
  try {
    for (const piece of pieces(fd, 0, stats.size, path)) out.write(piece);
  } finally {
    closeSync(fd);
  }
  out.write(new Uint8Array(padded(stats.size) - stats.size));
}

function header(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0, 100);
  bytes.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  bytes.write('00000000000\0', 136); // no time: the same run packs to the same bytes
  bytes.write('0', 156);
  bytes.write('ustar\x0000', 257);
  bytes.write(`${checksum(bytes).toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** Sum of the header's bytes, its checksum field counted as spaces. */
function checksum(bytes: Buffer): number {
  let sum = 8 * 32;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += bytes[i]!;
  return sum;
}

function* pieces(fd: number, start: number, size: number, path: string): Generator<Uint8Array> {
  const buffer = Buffer.alloc(2 ** 20);
  for (let done = 0; done < size; ) {
    const read = onStorage(path, () =>
      readSync(fd, buffer, 0, Math.min(buffer.length, size - done), start + done),
    );
    if (read === 0) throw dataError(`${path} ended while it was read`, 'is another process changing it?');
    yield buffer.subarray(0, read);
    done += read;
  }
}

interface Entry {
  name: string;
  offset: number;
  size: number;
}

/** All entries, checked before anything is written: names, types, sizes against the bytes that are there. */
function entriesOf(fd: number, path: string): Entry[] {
  const total = fstatSync(fd).size;
  const refuse = (what: string) => dataError(`${path} ${what}`, 'give a file that `rxnas runs pack` wrote');
  const entries: Entry[] = [];
  const bytes = Buffer.alloc(block);
  for (let at = 0; ; ) {
    if (readSync(fd, bytes, 0, block, at) < block) throw refuse(`is cut or no tar file (byte ${at})`);
    if (bytes.every((byte) => byte === 0)) break;
    if (Number.parseInt(bytes.toString('latin1', 148, 156), 8) !== checksum(bytes)) {
      throw refuse(`is damaged or no tar file: the entry at byte ${at} does not match its checksum`);
    }
    const name = bytes.toString('utf8', 0, 100).split('\0')[0]!;
    const size = Number.parseInt(bytes.toString('latin1', 124, 136), 8);
    if (bytes[156] !== 48 || bytes[345] !== 0 || !isRunFile(name)) {
      throw refuse(`holds '${name.slice(0, 100)}', which is no file of a run`);
    }
    if (entries.some((entry) => entry.name === name)) throw refuse(`holds '${name}' twice`);
    const offset = at + block;
    if (!Number.isInteger(size) || size < 0 || offset + padded(size) > total) {
      throw refuse(`states a size for '${name}' that it does not have`);
    }
    entries.push({ name, offset, size });
    at = offset + padded(size);
  }
  for (const needed of ['manifest.json', 'events.log']) {
    if (!entries.some(({ name }) => name === needed)) throw refuse(`holds no ${needed}`);
  }
  return entries;
}

/**
 * Make a run of a packed one, in `out` or under its own name in `root`. Its manifest, log and checkpoints are checked before the folder gets
 * its name; a run that was being written when its process died is as it was. Throws exit code 3 for a file that is none or damaged,
 * 2 where the folder exists. Returns the folder.
 */
export async function unpackRun(file: string, place: { root?: string } | { out: string }): Promise<string> {
  const path = resolve(file);
  const parent = resolve('out' in place ? dirname(resolve(place.out)) : (place.root ?? 'runs'));
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError(error, path);
    throw dataError(`${file} is missing`, 'give a file that `rxnas runs pack` wrote');
  }
  const temporary = join(parent, `.tmp-unpack-${process.pid}`);
  try {
    if (!fstatSync(fd).isFile())
      throw dataError(`${file} is not a file`, 'give a file that `rxnas runs pack` wrote');
    const entries = entriesOf(fd, path);
    onStorage(parent, () => mkdirSync(join(temporary, 'checkpoints'), { recursive: true }));
    for (const { name, offset, size } of entries) {
      const target = new NewFile(join(temporary, name));
      try {
        for (const piece of pieces(fd, offset, size, path)) target.write(piece);
        await target.commit();
      } catch (error) {
        target.discard();
        throw error;
      }
    }
    const manifest = readManifest(temporary);
    scanLog(logFile(temporary));
    for (const checkpoint of checkpointFiles(temporary)) readCheckpoint(checkpoint);
    const dir = 'out' in place ? resolve(place.out) : join(parent, folderOf(manifest.id));
    if (lstatSync(dir, { throwIfNoEntry: false })) {
      throw usageError(`${dir} exists already`, 'give another folder with --out');
    }
    onStorage(dir, () => renameSync(temporary, dir));
    return dir;
  } finally {
    closeSync(fd);
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The folder in which the process of this number unpacks. */
export const unpackingPattern = /^\.tmp-unpack-(\d+)$/;

/** A run's name as a folder's: never a path. */
const folderOf = (id: string) => id.replaceAll(/[^\w.-]+/g, '-').replace(/^\.+/, '') || 'run';
