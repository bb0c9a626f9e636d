import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { ControllerConfig, Weights } from '../controller/config.js';
import { flatten, parameterCount, unflatten } from '../controller/weights.js';
import { dataError, type RxnasError } from '../errors.js';
import { crc32 } from './crc32.js';
import { type JsonValue, onStorage, parseJson, readSmallFile, replaceFile } from './files.js';
import type { LogPosition } from './log/position.js';

/**
 * A checkpoint is one file, little-endian:
 *
 *     0   8  "RXNASCKP"
 *     8   4  version
 *     12  4  bytes of JSON
 *     16  8  bytes of the whole file
 *     24  …  JSON, padded with spaces to a multiple of 8: space, controller, position, log, state, and name, type and
 *            length of each array
 *         …  the arrays in that order, each padded with zeros to a multiple of 8; the weights are the array `weights`
 *         4  CRC-32 of all bytes before
 */
const magic = Buffer.from('RXNASCKP');
export const checkpointVersion = 1;
const headerBytes = 24;
const maxBytes = 2 ** 30;

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
} as const;
type ArrayName = keyof typeof arrayTypes;
export type CheckpointArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Where a run stands; what is not counted is 0. Random streams need no more: they derive from the seed and these. */
export interface RunPosition {
  /** Pretraining steps done, or queries made. */
  step: number;
  epoch: number;
  round: number;
}

/** What a run needs to go on from. */
export interface CheckpointState {
  /** Name of the space that the controller was made for. */
  space: string;
  /** Absent in runs without one. */
  controller?: { config: ControllerConfig; weights: Weights };
  position: RunPosition;
  /** Anything else; NaN, ±Infinity and −0 survive. */
  state?: JsonValue;
  /** Anything else that is large. Not named `weights`. */
  arrays?: Record<string, CheckpointArray>;
}

export interface Checkpoint extends CheckpointState {
  /** Log position that belongs to it: what lies behind is computed again. */
  log: LogPosition;
  /** The file it was read from. */
  file: string;
}

const count = z.int().min(0);
const headerSchema = z.strictObject({
  space: z.string(),
  controller: z.strictObject({ vocabulary: count, length: count, dim: count, predictor: count }).optional(),
  position: z.strictObject({ step: count, epoch: count, round: count }),
  log: z.strictObject({ bytes: count, records: count, rows: z.record(z.string(), count) }),
  state: z.custom<JsonValue>().optional(),
  arrays: z
    .array(
      z.strictObject({
        name: z.string(),
        type: z.enum(Object.keys(arrayTypes) as [ArrayName, ...ArrayName[]]),
        length: count,
      }),
    )
    .max(1000),
});

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8;
const bytesOf = (array: CheckpointArray) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const typeOf = (array: CheckpointArray) =>
  (Object.keys(arrayTypes) as ArrayName[]).find((name) => array instanceof arrayTypes[name])!;

/** The bytes of a checkpoint file. */
export function encodeCheckpoint(checkpoint: CheckpointState & { log: LogPosition }): Buffer {
  const { space, controller, position, log, state, arrays = {} } = checkpoint;
  const sections: [string, CheckpointArray][] = Object.entries(arrays);
  if (controller) sections.unshift(['weights', flatten(controller.config, controller.weights)]);
  const header = {
    space,
    controller: controller?.config,
    position,
    log,
    state: state === undefined ? undefined : hideNumbers(state),
    arrays: sections.map(([name, array]) => ({ name, type: typeOf(array), length: array.length })),
  };
  const json = Buffer.from(JSON.stringify(header));
  const size =
    headerBytes +
    padded(json.length) +
    sections.reduce((sum, [, { byteLength }]) => sum + padded(byteLength), 0) +
    4;
  const bytes = Buffer.alloc(size);
  magic.copy(bytes);
  bytes.writeUInt32LE(checkpointVersion, 8);
  bytes.writeUInt32LE(json.length, 12);
  bytes.writeBigUInt64LE(BigInt(size), 16);
  bytes.fill(' ', headerBytes, headerBytes + padded(json.length));
  json.copy(bytes, headerBytes);
  let at = headerBytes + padded(json.length);
  for (const [, array] of sections) {
    bytes.set(bytesOf(array), at);
    at += padded(array.byteLength);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, size - 4)), size - 4);
  return bytes;
}

const hint = 'give the folder of a run that pretrained a controller, or one of its files checkpoints/*.ckpt';

/** Throws exit code 3 where the file is missing, empty, cut, damaged, of a later version, or no checkpoint at all. */
export function readCheckpoint(file: string): Checkpoint {
  const bytes = readSmallFile(file, maxBytes, hint);
  const refuse = (what: string, advice = 'use an older checkpoint of the run, or run again') =>
    dataError(`checkpoint ${file} ${what}`, advice);

  if (bytes.length === 0) throw refuse('is empty');
  if (!bytes.subarray(0, 8).equals(magic.subarray(0, Math.min(8, bytes.length)))) {
    throw refuse('is no checkpoint of rxnas', hint);
  }
  if (bytes.length < headerBytes + 4) throw refuse(`is cut: it has ${bytes.length} bytes`);
  const version = bytes.readUInt32LE(8);
  const size = Number(bytes.readBigUInt64LE(16));
  const intact = crc32(bytes.subarray(0, -4)) === bytes.readUInt32LE(bytes.length - 4);
  if (intact && version !== checkpointVersion) {
    throw refuse(
      `has format version ${version}; this rxnas reads version ${checkpointVersion}`,
      'use a newer rxnas',
    );
  }
  if (!intact && size > bytes.length) throw refuse(`is cut: it has ${bytes.length} of ${size} bytes`);
  if (!intact) throw refuse('is damaged: its content does not match its checksum');

  const jsonBytes = bytes.readUInt32LE(12);
  const bodyStart = headerBytes + padded(jsonBytes);
  if (size !== bytes.length || bodyStart > size - 4) throw refuse('states sizes that are not its own');
  const text = bytes.toString('utf8', headerBytes, headerBytes + jsonBytes);
  const parsed = headerSchema.safeParse(parseJson(text, file, hint));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`has a wrong header: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { space, controller: config, position, log, state, arrays: sections } = parsed.data;

  const arrays: Record<string, CheckpointArray> = {};
  let at = bodyStart;
  for (const { name, type, length } of sections) {
    const ArrayType = arrayTypes[type];
    const end = at + length * ArrayType.BYTES_PER_ELEMENT;
    if (end > size - 4 || Object.hasOwn(arrays, name)) throw refuse('states sizes that are not its own');
    const copy = new Uint8Array(bytes.subarray(at, end)).buffer;
    Object.defineProperty(arrays, name, {
      value: new ArrayType(copy),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    at = bodyStart + padded(end - bodyStart);
  }
  if (at !== size - 4) throw refuse('states sizes that are not its own');

  const checkpoint: Checkpoint = { space, position, log, file };
  if (config) {
    const { weights } = arrays;
    delete arrays.weights;
    if (!(weights instanceof Float32Array) || weights.length !== parameterCount(config)) {
      throw refuse('has weights that do not fit its controller');
    }
    checkpoint.controller = { config, weights: unflatten(config, weights) };
  }
  if (state !== undefined) checkpoint.state = showNumbers(state);
  if (Object.keys(arrays).length > 0) checkpoint.arrays = arrays;
  return checkpoint;
}

/** JSON has no NaN, Infinity and −0: they are written as `{"$number": "NaN"}`. */
function hideNumbers(value: JsonValue): JsonValue {
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $number: Object.is(value, -0) ? '-0' : String(value) };
  }
  return mapValues(value, hideNumbers);
}

function showNumbers(value: JsonValue): JsonValue {
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    typeof value.$number === 'string'
  ) {
    return Number(value.$number);
  }
  return mapValues(value, showNumbers);
}

function mapValues(value: JsonValue, map: (value: JsonValue) => JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(map);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
}

const folderOf = (runDir: string) => join(runDir, 'checkpoints');
const pattern = /^(\d{8})\.ckpt$/;
const kept = 2;

/** Checkpoint files of a run, newest first. */
export function checkpointFiles(runDir: string): string[] {
  const folder = folderOf(runDir);
  const stats = onStorage(folder, () => lstatSync(folder, { throwIfNoEntry: false }));
  if (!stats?.isDirectory()) return [];
  const names = onStorage(folder, () => readdirSync(folder)).filter((name) => pattern.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Write the next checkpoint of a run (bytes of {@link encodeCheckpoint}), durable when the promise resolves; only then older ones than the one before are
 * removed. Returns its file.
 */
export async function writeCheckpoint(runDir: string, bytes: Uint8Array): Promise<string> {
  const [newest] = checkpointFiles(runDir);
  const number = newest ? Number(pattern.exec(basename(newest))![1]) + 1 : 0;
  const file = join(folderOf(runDir), `${String(number).padStart(8, '0')}.ckpt`);
  await replaceFile(file, bytes);
  for (const old of checkpointFiles(runDir).slice(kept)) rmSync(old, { force: true });
  return file;
}

/** The newest checkpoint of a run that can be read, and what was wrong with newer ones. */
export function newestCheckpoint(runDir: string): { checkpoint?: Checkpoint; damaged: RxnasError[] } {
  const damaged: RxnasError[] = [];
  for (const file of checkpointFiles(runDir)) {
    try {
      return { checkpoint: readCheckpoint(file), damaged };
    } catch (error) {
      damaged.push(error as RxnasError);
    }
  }
  return { damaged };
}

/**
 * The controller that `search --controller PATH` starts from: of a checkpoint file, or the newest good one of a run's
 * folder. `warnings` names newer ones that were passed over because they are damaged. Throws exit code 3 where there is none.
 */
export function controllerCheckpoint(path: string): {
  checkpoint: Checkpoint & Required<Pick<Checkpoint, 'controller'>>;
  warnings: string[];
} {
  const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const { checkpoint, damaged } = isFolder
    ? newestCheckpoint(path)
    : { checkpoint: readCheckpoint(path), damaged: [] };
  if (!checkpoint && damaged[0]) throw damaged[0];
  if (!checkpoint) {
    const what = existsSync(join(path, 'manifest.json'))
      ? 'the run has no checkpoint yet'
      : 'the folder is no run';
    throw dataError(`no controller in ${path}: ${what}`, hint);
  }
  const { controller } = checkpoint;
  if (!controller) throw dataError(`${checkpoint.file} holds no controller`, hint);
  const warnings = damaged.map(({ message }) => `${message}; ${basename(checkpoint.file)} is used instead`);
  return { checkpoint: { ...checkpoint, controller }, warnings };
}
