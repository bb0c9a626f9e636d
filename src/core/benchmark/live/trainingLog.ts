import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { onStorage } from '../../run/files.js';
import type { CellCode } from '../../space/space.js';
import type { Training } from './trainer.js';

/** Rows between two fsyncs: about a minute of training is lost with the machine, nothing with the process. */
const rowsASync = 100;

const keyOf = (cell: CellCode, repeat: number) => `${cell}/${repeat}`;

/**
 * Finished trainings of one protocol: an append-only file of JSON lines, by cell and repeat, so that a measurement that was
 * stopped goes on where it was. A torn last line is cut off when the log is opened.
 */
export class TrainingLog {
  readonly #trainings = new Map<string, Training>();
  readonly #fd: number;
  #unsynced = 0;

  private constructor(
    readonly file: string,
    readonly protocol: string,
  ) {
    const bytes = existsSync(file) ? readFileSync(file) : new Uint8Array();
    const whole = bytes.lastIndexOf(0x0a) + 1;
    for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, whole).toString().split('\n')) {
      const row = parse(line);
      if (row?.protocol === protocol) this.#trainings.set(keyOf(row.cell, row.repeat), row);
    }
    this.#fd = openSync(file, 'a');
    if (whole < bytes.length) ftruncateSync(this.#fd, whole);
  }

  /** Open or create the log; storage errors exit with code 1. */
  static open(file: string, protocol: string): TrainingLog {
    return onStorage(file, () => {
      mkdirSync(dirname(file), { recursive: true });
      return new TrainingLog(file, protocol);
    });
  }

  get(cell: CellCode, repeat: number): Training | undefined {
    return this.#trainings.get(keyOf(cell, repeat));
  }

  /** The first `count` repeats of a cell, all of which must be there. */
  repeats(cell: CellCode, count: number): Training[] {
    return Array.from({ length: count }, (_, repeat) => this.get(cell, repeat)!);
  }

  append(training: Training): void {
    onStorage(this.file, () => {
      writeSync(this.#fd, `${JSON.stringify({ protocol: this.protocol, ...training })}\n`);
      if (++this.#unsynced >= rowsASync) this.#sync();
    });
    this.#trainings.set(keyOf(training.cell, training.repeat), training);
  }

  close(): void {
    onStorage(this.file, () => {
      this.#sync();
      closeSync(this.#fd);
    });
  }

  #sync(): void {
    fsyncSync(this.#fd);
    this.#unsynced = 0;
  }
}

/** JSON has no NaN: it is written as null. Lines that are none are passed over. */
function parse(line: string): (Training & { protocol: string }) | undefined {
  try {
    const row = JSON.parse(line);
    return { ...row, validation: row.validation ?? Number.NaN, test: row.test ?? Number.NaN };
  } catch {
    return undefined;
  }
}
