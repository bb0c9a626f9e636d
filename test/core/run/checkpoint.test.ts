import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nasbench101Controller as config } from '../../../src/core/controller/config.js';
import { initialWeights } from '../../../src/core/controller/weights.js';
import { RxnasError } from '../../../src/core/errors.js';
import {
  checkpointFiles,
  encodeCheckpoint,
  newestCheckpoint,
  writeCheckpoint,
} from '../../../src/core/run/checkpoint.js';
import { crc32 } from '../../../src/core/run/crc32.js';
import { type CheckpointState, controllerCheckpoint, readCheckpoint } from '../../../src/core/run/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const log = { bytes: 160, records: 3, rows: { step: 40 } };
const stateOf = (step: number): CheckpointState => ({
  space: 'nasbench101',
  controller: { config, weights: initialWeights(config, step) },
  position: { step, epoch: 1, round: 0 },
  state: {
    pool: [1, { best: Number.NaN, worst: -0, bound: Number.POSITIVE_INFINITY }],
    note: 'ü',
    empty: null,
  },
  arrays: {
    cells: Uint32Array.of(1, 0xffff_ffff, 3),
    accuracies: Float64Array.of(0.1, Number.NaN),
    flags: Uint8Array.of(1, 2, 3),
    none: new Int32Array(0),
  },
});

function runFolder(): string {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'checkpoints'));
  writeFileSync(join(dir, 'manifest.json'), '{}');
  return dir;
}

const write = (dir: string, step: number) =>
  writeCheckpoint(dir, encodeCheckpoint({ ...stateOf(step), log }));

/** The refusal of a file: always exit code 3. */
function refusal(file: string): string {
  try {
    readCheckpoint(file);
  } catch (error) {
    expect(error).toBeInstanceOf(RxnasError);
    expect((error as RxnasError).exitCode).toBe(3);
    return (error as RxnasError).message;
  }
  throw new Error('it was read');
}

describe('checkpoint', () => {
  it('comes back bit by bit', async () => {
    const file = await write(runFolder(), 7);
    expect(readCheckpoint(file)).toEqual({ ...stateOf(7), log, file });
  });

  it('without a controller', () => {
    const file = join(temporaryFolder(), 'x.ckpt');
    const position = { step: 3, epoch: 0, round: 1 };
    writeFileSync(file, encodeCheckpoint({ space: 'nasbench201', position, log }));
    expect(readCheckpoint(file)).toEqual({ space: 'nasbench201', position, log, file });
    expect(() => controllerCheckpoint(file)).toThrow('holds no controller');
  });

  it('keeps the newest and the one before', async () => {
    const dir = runFolder();
    for (let step = 0; step < 5; step++) await write(dir, step);
    expect(readdirSync(join(dir, 'checkpoints')).sort()).toEqual(['00000003.ckpt', '00000004.ckpt']);
    expect(newestCheckpoint(dir).checkpoint?.position.step).toBe(4);
  });

  it('is found for a search, the one before where the newest is damaged', async () => {
    const dir = runFolder();
    expect(() => controllerCheckpoint(dir)).toThrow('the run has no checkpoint yet');
    await write(dir, 1);
    const newest = await write(dir, 2);
    expect(controllerCheckpoint(dir)).toMatchObject({ checkpoint: { position: { step: 2 } }, warnings: [] });
    const bytes = readFileSync(newest);
    writeFileSync(newest, bytes.subarray(0, 1000));
    const { checkpoint, warnings } = controllerCheckpoint(dir);
    expect(checkpoint.position.step).toBe(1);
    expect(checkpoint.controller.weights).toEqual(initialWeights(config, 1));
    expect(warnings).toEqual([
      `checkpoint ${newest} is cut: it has 1000 of ${bytes.length} bytes; 00000000.ckpt is used instead`,
    ]);
    for (const file of checkpointFiles(dir)) writeFileSync(file, '');
    expect(() => controllerCheckpoint(dir)).toThrow('is empty');
    expect(() => controllerCheckpoint(temporaryFolder())).toThrow('the folder is no run');
    expect(() => controllerCheckpoint(join(dir, 'no such'))).toThrow('is missing');
  });

  it('missing, empty, foreign, cut anywhere, one bit flipped anywhere: refused', async () => {
    const dir = runFolder();
    const good = readFileSync(await write(dir, 1));
    const file = join(dir, 'x.ckpt');
    expect(refusal(file)).toContain('is missing');
    writeFileSync(file, '');
    expect(refusal(file)).toContain('is empty');
    writeFileSync(file, 'PK\x03\x04 something else entirely, and longer than a header');
    expect(refusal(file)).toContain('is no checkpoint of rxnas');
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((i / 200) * good.length);
      writeFileSync(file, good.subarray(0, at));
      expect(refusal(file)).toMatch(/is cut|is empty/);
      const flipped = Buffer.from(good);
      flipped[at]! ^= 1 << (i % 8);
      writeFileSync(file, flipped);
      expect(refusal(file)).toMatch(/is damaged|is cut|is no checkpoint/);
    }
    mkdirSync(join(dir, 'folder.ckpt'));
    expect(refusal(join(dir, 'folder.ckpt'))).toContain('not a regular file');
    symlinkSync(file, join(dir, 'link.ckpt'));
    expect(refusal(join(dir, 'link.ckpt'))).toContain('not a regular file');
  });

  it('from hostile hands, with a right checksum: refused', async () => {
    const dir = runFolder();
    const good = readFileSync(await write(dir, 1));
    const file = join(dir, 'x.ckpt');
    const jsonLength = good.readUInt32LE(12);
    const seal = (bytes: Buffer) => {
      bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
      writeFileSync(file, bytes);
      return refusal(file);
    };
    const withJson = (change: (text: string) => string) => {
      const text = change(good.toString('utf8', 24, 24 + jsonLength));
      const json = Buffer.from(text);
      const padded = Buffer.concat([json, Buffer.alloc(-json.length & 7, ' ')]);
      const bytes = Buffer.concat([
        good.subarray(0, 24),
        padded,
        good.subarray(24 + ((jsonLength + 7) & ~7)),
      ]);
      bytes.writeUInt32LE(json.length, 12);
      bytes.writeBigUInt64LE(BigInt(bytes.length), 16);
      return seal(bytes);
    };
    const later = Buffer.from(good);
    later.writeUInt32LE(9, 8);
    expect(seal(later)).toContain('format version 9');
    const long = Buffer.from(good);
    long.writeUInt32LE(0xffff_ffff, 12);
    expect(seal(long)).toContain('states sizes that are not its own');
    const huge = Buffer.from(good);
    huge.writeBigUInt64LE(10n ** 10n, 16);
    expect(seal(huge)).toContain('states sizes that are not its own');
    const lies = 'states sizes that are not its own';
    expect(withJson((text) => text.replace('"length":3', '"length":1000000000'))).toContain(lies);
    expect(withJson((text) => text.replace('"length":3', '"length":0'))).toContain(lies);
    expect(withJson((text) => text.replace('"cells"', '"flags"'))).toContain(lies);
    expect(withJson((text) => text.replace('"dim":16', '"dim":4096'))).toContain('do not fit');
    expect(withJson((text) => text.replace('"note"', '"__proto__"'))).toContain("'__proto__' is not allowed");
    expect(withJson((text) => text.replace('"note"', '"constructor"'))).toContain('is not allowed');
    expect(
      withJson((text) => text.replace('"empty":null', `"empty":${'['.repeat(9e4)}${']'.repeat(9e4)}`)),
    ).toMatch(/nested deeper|stack/);
    expect(withJson((text) => text.replace('"step":1', '"step":-1'))).toContain('wrong header');
    expect(withJson(() => '[]')).toContain('wrong header');
    expect(({} as Record<string, unknown>).note).toBeUndefined();
  });

  it('files with other names are left alone', async () => {
    const dir = runFolder();
    const file = await write(dir, 1);
    copyFileSync(file, join(dir, 'checkpoints', 'mine.ckpt'));
    renameSync(file, join(dir, 'checkpoints', '00000041.ckpt'));
    expect(await write(dir, 2)).toMatch(/00000042\.ckpt$/);
    expect(checkpointFiles(dir)).toHaveLength(2);
    expect(readdirSync(join(dir, 'checkpoints'))).toContain('mine.ckpt');
  });
});
