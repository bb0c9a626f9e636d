import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { dataError } from '../../errors.js';
import { onStorage } from '../../run/files.js';
import { cellCode, columnShift, isCell, MAX_VERTICES, POW3 } from '../../space/nasbench101/cell.js';
import { nasbench101, OPERATIONS } from '../../space/nasbench101.js';
import { type CellCode, NO_CELL } from '../../space/space.js';
import { type Gathered, Gathering } from './gather.js';
import { EVALUATION_SIZE, EVALUATIONS, ModelMetricsReader } from './modelMetrics.js';
import type { ReadProgress } from './progress.js';
import { type RecordChunk, recordName, tfRecordChunks } from './tfRecords.js';

/*
 * nasbench_only108.tfrecord and nasbench_full.tfrecord as nasbench/api.py reads them: a record is one training, the JSON text
 * [module_hash, epochs, raw_adjacency, raw_operations, raw_metrics]: the adjacency matrix as a string of 0 and 1, row by row, operations
 * with commas between, metrics as base64 of a ModelMetrics message.
 */

const dataset = 'cifar10';
/** Epochs that NAS-Bench-101's cells were trained for, and how often. */
const trainedEpochs: readonly number[] = [4, 12, 36, 108];
const repeats = 3;
/** Records have about 400 bytes. */
const recordLimit = 1 << 16;

/** Figures of an evaluation by their place in the message; the epoch is none. */
const quantities = [undefined, 'seconds', 'train', 'validation', 'test'] as const;
const points = [undefined, 'half', 'end'] as const;

export interface RecordOptions {
  /** Pass records over whose graph is no cell of the space, instead of refusing the file. */
  skipUnknown?: boolean;
}

/**
 * Import NAS-Bench-101's own file: every training with all of its figures. Each record's checksums, graph and hash are checked; the first
 * that is wrong ends the import with exit code 3, naming record and offset.
 */
export async function* importNasbenchRecords(
  path: string,
  { skipUnknown = false }: RecordOptions = {},
): AsyncGenerator<ReadProgress, { gathering: Gathering; sha256: string }> {
  const { size: total } = onStorage(path, () => statSync(path));
  if (total === 0) throw dataError(`${path} is empty`, 'fetch the file again');
  const gathering = new Gathering(nasbench101);
  const reader = new RecordReader(path, gathering, skipUnknown);
  const sha256 = createHash('sha256');
  for await (const chunk of tfRecordChunks(path, recordLimit)) {
    reader.read(chunk);
    const end = chunk.bounds.at(-1)! + 4;
    sha256.update(chunk.bytes.subarray(0, end));
    yield { done: chunk.offset + end, total };
  }
  if (gathering.cells === 0) throw dataError(`${path} has no records of known cells`, 'give another file');
  return { gathering, sha256: sha256.digest('hex') };
}

class RecordReader {
  readonly #metrics = new ModelMetricsReader();
  readonly #scratch = Buffer.alloc(recordLimit);
  readonly #hashes = Buffer.alloc(16 * nasbench101.size);
  /** By place in {@link trainedEpochs}: how many trainings of a cell there have been, and their columns. */
  readonly #counts = trainedEpochs.map(() => new Uint8Array(nasbench101.size));
  readonly #columns: (Gathered[] | undefined)[] = [];

  constructor(
    readonly path: string,
    readonly gathering: Gathering,
    readonly skipUnknown: boolean,
  ) {}

  read({ bytes, bounds, first, offset }: RecordChunk): void {
    for (let i = 0; i < bounds.length; i += 2) {
      try {
        this.#record(bytes.toString('latin1', bounds[i], bounds[i + 1]));
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        const name = recordName(this.path, first + i / 2, offset + bounds[i]! - 12);
        throw dataError(`${name} ${error.message}`, error.hint);
      }
      this.gathering.rows++;
    }
  }

  #record(text: string): void {
    const [hash, epochs, adjacency, operations, metrics] = fieldsOf(text);
    const cell = cellOfGraph(adjacency, operations);
    const id = this.gathering.idOf(cell);
    if (id < 0) {
      if (!this.skipUnknown)
        throw new RecordError(
          `is no cell of NAS-Bench-101: ${adjacency} ${operations}`,
          'use --skip-unknown to leave such records out',
        );
      this.gathering.unknown++;
      return;
    }
    this.#checkHash(id, hash);
    const nth = trainedEpochs.indexOf(epochs);
    if (nth < 0)
      throw new RecordError(
        `is said to be of ${epochs} epochs`,
        `NAS-Bench-101 has ${trainedEpochs.join(', ')}`,
      );
    const repeat = this.#counts[nth]![id]!++;
    if (repeat === repeats)
      throw new RecordError(
        `is training ${repeats + 1} of the cell ${hash} for ${epochs} epochs`,
        `NAS-Bench-101 has ${repeats}: the file holds records twice`,
      );
    this.#readMetrics(metrics, epochs);
    this.#put(id, nth, repeat);
  }

  #checkHash(id: number, hash: string): void {
    const bytes = this.#scratch;
    if (hash.length !== 32 || bytes.write(hash, 'hex') !== 16)
      throw new RecordError(`has no hash: '${hash.slice(0, 64)}'`, 'the file is of another kind');
    if (!this.gathering.has(id)) {
      const cell = nasbench101.cells()[id]!;
      if (nasbench101.hash(cell) !== hash)
        throw new RecordError(
          `is labelled ${hash}, but the hash of its graph is ${nasbench101.hash(cell)}`,
          'the file is damaged or of another kind; fetch it again',
        );
      bytes.copy(this.#hashes, 16 * id, 0, 16);
    } else if (this.#hashes.compare(bytes, 0, 16, 16 * id, 16 * id + 16) !== 0) {
      throw new RecordError(
        `is labelled ${hash}, but the hash of its graph is ${this.#hashes.toString('hex', 16 * id, 16 * id + 16)}`,
        'the file is damaged or of another kind; fetch it again',
      );
    }
  }

  #readMetrics(base64: string, epochs: number): void {
    const length = this.#scratch.write(base64, 'base64');
    const metrics = this.#metrics;
    try {
      metrics.read(this.#scratch, length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RecordError(`has metrics that cannot be read: ${error.message}`, 'fetch the file again');
    }
    if (metrics.evaluations !== EVALUATIONS)
      throw new RecordError(
        `has ${metrics.evaluations} evaluations`,
        'NAS-Bench-101 has three a training: start, half-way, end',
      );
    const { values } = metrics;
    // Half-way and end; what was before the first step is not used, as in nasbench's own API.
    for (let i = EVALUATION_SIZE; i < values.length; i++) {
      const quantity = quantities[i % EVALUATION_SIZE];
      const value = values[i]!;
      if (
        !quantity ||
        (value >= 0 && (quantity === 'seconds' ? value < Number.POSITIVE_INFINITY : value <= 1))
      )
        continue;
      const what = quantity === 'seconds' ? 'a training time' : `a ${quantity} accuracy`;
      throw new RecordError(
        Number.isNaN(value) ? `lacks ${what}` : `has ${what} of ${value}`,
        quantity === 'seconds' ? 'seconds are not negative' : 'accuracies are fractions in [0, 1]',
      );
    }
    const last = values[2 * EVALUATION_SIZE]!;
    const nearest = (best: number, other: number) =>
      Math.abs(other - last) < Math.abs(best - last) ? other : best;
    if (last > 0 && trainedEpochs.reduce(nearest) !== epochs)
      throw new RecordError(
        `is labelled ${epochs} epochs, but its last evaluation is of epoch ${last}`,
        'the file is damaged or of another kind; fetch it again',
      );
  }

  #put(id: number, nth: number, repeat: number): void {
    const { gathering } = this;
    const { values, parameters } = this.#metrics;
    gathering.add(id);
    if (!gathering.parameters.has(id)) gathering.parameters.put(id, parameters);
    else if (gathering.parameters.values[id] !== parameters && !Number.isNaN(parameters))
      throw new RecordError(
        `has ${parameters} parameters where an earlier record of the cell has ${gathering.parameters.values[id]}`,
        'the file is damaged or of another kind; fetch it again',
      );
    const columns = this.#columnsOf(nth, repeat);
    for (let i = 0, column = 0; i < values.length; i++) {
      if (i >= EVALUATION_SIZE && i % EVALUATION_SIZE > 0) columns[column++]!.put(id, values[i]!);
    }
  }

  /** In the order of the message's values, from half-way on. */
  #columnsOf(nth: number, repeat: number): Gathered[] {
    const key = nth * repeats + repeat;
    this.#columns[key] ??= points.flatMap((point) =>
      quantities.flatMap((quantity) =>
        point && quantity
          ? this.gathering.column({
              dataset,
              epochs: trainedEpochs[nth]!,
              point,
              quantity,
              repeat: repeat + 1,
            })
          : [],
      ),
    );
    return this.#columns[key];
  }
}

/** What is wrong with a record, without its place. */
class RecordError extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

type Fields = [hash: string, epochs: number, adjacency: string, operations: string, metrics: string];

function fieldsOf(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const kinds = ['string', 'number', 'string', 'string', 'string'];
  if (
    Array.isArray(value) &&
    value.length === kinds.length &&
    kinds.every((kind, i) => typeof value[i] === kind)
  )
    return value as Fields;
  throw new RecordError(
    'is none of NAS-Bench-101',
    'expected JSON [hash, epochs, adjacency, operations, metrics]: the file is of another kind',
  );
}

const digitOf = new Map<string, number>(OPERATIONS.map((name, digit) => [name, digit]));

/** The cell of a record's graph, or NO_CELL. */
function cellOfGraph(adjacency: string, operations: string): CellCode {
  const ops = operations.split(',');
  const vertices = ops.length;
  if (vertices < 2 || vertices > MAX_VERTICES || adjacency.length !== vertices * vertices) return NO_CELL;
  let edges = 0;
  for (let x = 0, i = 0; x < vertices; x++) {
    for (let y = 0; y < vertices; y++, i++) {
      const entry = adjacency.charCodeAt(i) - 48;
      if (entry === 1 && x < y) edges |= 1 << (columnShift(y) + x);
      else if (entry !== 0) return NO_CELL;
    }
  }
  if (ops[0] !== 'input' || ops[vertices - 1] !== 'output') return NO_CELL;
  let opCode = 0;
  for (let v = 1; v < vertices - 1; v++) {
    const digit = digitOf.get(ops[v]!);
    if (digit === undefined) return NO_CELL;
    opCode += digit * POW3[v - 1]!;
  }
  const cell = cellCode(edges, opCode);
  return isCell(cell) ? cell : NO_CELL;
}
