import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from '../../run/crc32.js';
import { makeFolders, onStorage } from '../../run/files.js';
import type { CellCode } from '../../space/space.js';
import type { Training } from './training.js';

/** Milliseconds between two syncs: what a crash of the machine may cost; that of a process costs nothing. */
const syncEvery = 1000;

const keyOf = (cell: CellCode, repeat: number) => `${cell}/${repeat}`;

/**
 * Finished trainings of one protocol, by cell and repeat, in an append-only file that several processes may read and write at once. A record is a
 * line `CRC-32 JSON` that is written in one piece and begins with its line break, so that a torn one spoils nothing but itself; lines whose checksum
 * is wrong are passed over. Of a training that was added twice the first one counts, for all.
 */
export class TrainingLog {
  readonly #trainings = new Map<string, Training>();
  readonly #fd: number;
  /** Up to where the file was read; what follows is new, or was not whole. */
  #position = 0;
  #synced = 0;

  private constructor(
    readonly file: string,
    readonly protocol: string,
  ) {
    this.#fd = openSync(file, 'a+');
    this.#read();
  }

  /** Open or create the log; storage errors exit with code 1. */
  static open(file: string, protocol: string): TrainingLog {
    return onStorage(file, () => {
      makeFolders(dirname(file));
      return new TrainingLog(file, protocol);
    });
  }

  /** Trainings that it has. */
  get size(): number {
    return this.#trainings.size;
  }

  get(cell: CellCode, repeat: number): Training | undefined {
    return this.#trainings.get(keyOf(cell, repeat));
  }

  /** The first `count` repeats of a cell, all of which must be there. */
  repeats(cell: CellCode, count: number): Training[] {
    return Array.from({ length: count }, (_, repeat) => this.get(cell, repeat)!);
  }

  /** Take in what other processes have added. */
  refresh(): void {
    onStorage(this.file, () => this.#read());
  }

  /** Keep a training; gives the one that counts, another process's where that was first. */
  add(training: Training): Training {
    const json = JSON.stringify({ protocol: this.protocol, ...training });
    const record = Buffer.from(`\n${checksum(json)} ${json}`);
    onStorage(this.file, () => {
      // In one call: the system appends it as one piece.
      if (writeSync(this.#fd, record) < record.length) {
        throw Object.assign(new Error('short write'), { code: 'ENOSPC', syscall: 'write' });
      }
      if (performance.now() - this.#synced > syncEvery) this.#sync();
      this.#read();
    });
    return this.get(training.cell, training.repeat)!;
  }

  close(): void {
    onStorage(this.file, () => {
      this.#sync();
      closeSync(this.#fd);
    });
  }

  #sync(): void {
    fdatasyncSync(this.#fd);
    this.#synced = performance.now();
  }

  #read(): void {
    const { size } = fstatSync(this.#fd);
    if (size < this.#position) this.#position = 0; // somebody has emptied it
    const bytes = Buffer.alloc(size - this.#position);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(this.#fd, bytes, length, bytes.length - length, this.#position + length);
      if (read === 0) break;
      length += read;
    }
    const lines = bytes.toString('utf8', 0, length).split('\n');
    const rows = lines.map(parse);
    for (const row of rows) {
      if (row?.protocol !== this.protocol) continue;
      const key = keyOf(row.cell, row.repeat);
      if (!this.#trainings.has(key)) this.#trainings.set(key, row);
    }
    // The last line may be one that another process is writing.
    this.#position += rows.at(-1) ? length : bytes.lastIndexOf(0x0a, length - 1) + 1;
  }
}

const checksum = (json: string) => crc32(Buffer.from(json)).toString(16).padStart(8, '0');

/** The row of a whole line. JSON has no NaN: it is written as null. */
function parse(line: string): (Training & { protocol: string }) | undefined {
  const json = line.slice(9);
  if (json === '' || line.slice(0, 8) !== checksum(json)) return undefined;
  try {
    const row = JSON.parse(json);
    return { ...row, validation: row.validation ?? Number.NaN, test: row.test ?? Number.NaN };
  } catch {
    return undefined;
  }
}
