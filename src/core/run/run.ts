import { randomInt } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { RecordBatch, type Schema } from 'apache-arrow';
import { stringify } from 'yaml';
import {
  type Columns,
  type EventBatch,
  type EventColumns,
  type EventName,
  type EventRow,
  embeddingSchema,
  eventSchemas,
  type RowInput,
} from '../batch/index.js';
import { flatten } from '../controller/weights.js';
import { dataError, exitCode, failure, RxnasError, usageError } from '../errors.js';
import { version } from '../version.js';
import {
  type Checkpoint,
  type CheckpointState,
  checkpointFiles,
  encodeCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.js';
import { crc32 } from './crc32.js';
import { isTemporary, type JsonValue, makeFolders, onStorage, replaceFile } from './files.js';
import { gitState } from './git.js';
import { acquireLock, type Lock, type LockHolder, lockHolder } from './lock.js';
import { fileHeaderBytes } from './log/frame.js';
import type { LogPosition } from './log/position.js';
import { type LogEnd, type LogRecord, type ReadLogOptions, readLog, scanLog } from './log/reader.js';
import { LogWriter } from './log/writer.js';
import {
  type Manifest,
  manifestFile,
  manifestVersion,
  type RunStatus,
  readManifest,
  writeManifest,
} from './manifest.js';
import { logFile, projectTables, removeTemporary, type TableName } from './tables.js';

export const lockFile = (dir: string) => join(dir, 'run.lock');
const checkpointFolder = (dir: string) => join(dir, 'checkpoints');

/** Rows of an event in one of the forms that a run takes. */
export type Loggable<E extends EventName> =
  | RowInput<EventColumns[E]>
  | readonly RowInput<EventColumns[E]>[]
  | EventBatch<E>;

export interface CreateRunOptions {
  /** What the run does, e.g. `pretrain`: part of its folder's name. */
  kind: string;
  /** Folder of all runs, in which the run gets one of its own, `<time>-<kind>-<id>`; default `runs`. */
  root?: string;
  /** The run's own folder instead: a new or an empty one. */
  out?: string;
  /** Resolved parameters, written to the manifest and to `spec.lock.yaml`. */
  spec: JsonValue;
  /** Text of `spec.lock.yaml`; default: `spec` as YAML. */
  lock?: string;
  seed: number;
  engine?: NonNullable<Manifest['engine']>;
  /** Versions besides those of rxnas, node and the platform. */
  versions?: Record<string, string>;
  /** SHA-256 of data sets, by name. */
  data?: Record<string, string>;
  tags?: string[];
  note?: string;
  /** Told all rows before they are logged, in their order; what it throws is thrown by {@link Run.append}. */
  onAppend?: OnAppend;
}

export type OnAppend = (event: string, rows: RecordBatch | readonly object[]) => void;

/**
 * Make the folder of a new run and take it for this process. Throws exit code 2 where `out` holds something already, 1 where it
 * cannot be written; then nothing is left behind.
 */
export async function createRun(options: CreateRunOptions): Promise<Run> {
  const {
    kind,
    root = 'runs',
    out,
    spec,
    lock: lockText = stringify(spec),
    seed,
    engine,
    versions,
    data = {},
    tags = [],
    note,
    onAppend,
  } = options;
  const created = new Date();
  const dir = resolve(out ?? join(root, folderName(kind, created)));
  const isNew = makeFolder(dir);
  let lock: Lock | undefined;
  let log: LogWriter | undefined;
  try {
    lock = acquireLock(lockFile(dir));
    for (const name of beginnings) rmSync(join(dir, name), { recursive: true, force: true });
    const git = await gitState();
    const manifest: Manifest = {
      format: 'rxnas-run',
      version: manifestVersion,
      id: basename(dir),
      kind,
      status: 'running',
      created: created.toISOString(),
      seed,
      spec,
      ...(engine && { engine }),
      versions: {
        rxnas: version,
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        ...versions,
      },
      data,
      ...(git && { git }),
      tags,
      ...(note !== undefined && { note }),
    };
    await replaceFile(join(dir, 'spec.lock.yaml'), lockText);
    onStorage(dir, () => mkdirSync(checkpointFolder(dir)));
    log = LogWriter.create(logFile(dir));
    await log.sync();
    await writeManifest(dir, manifest);
    return new Run(dir, manifest, lock, log, onAppend);
  } catch (error) {
    log?.close();
    if (lock) for (const name of beginnings) rmSync(join(dir, name), { recursive: true, force: true });
    lock?.release();
    if (isNew) rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

export interface ResumedRun {
  run: Run;
  /** What to go on from; undefined where the run has none, then it begins anew. */
  checkpoint?: Checkpoint;
  /** What was found damaged, and what was done about it. */
  warnings: string[];
}

/**
 * Take a run that was stopped, in whatever way, and go on with it. Its log is cut back to where its newest good checkpoint was
 * made, so that computing on from there logs the same rows again. Throws exit code 2 where the run is finished, 1 where another
 * process has it, 3 where the folder is no run. What is damaged is set aside, never deleted.
 */
export async function resumeRun(folder: string): Promise<ResumedRun> {
  const dir = resolve(folder);
  readManifest(dir);
  const lock = acquireLock(lockFile(dir));
  let log: LogWriter | undefined;
  try {
    const before = readManifest(dir); // as it is now that nobody else writes it
    if (before.status === 'done') {
      throw usageError(`the run ${folder} is finished`, 'there is nothing to resume; start a new run');
    }
    requireFolder(checkpointFolder(dir));
    removeTemporary(dir);
    removeTemporary(checkpointFolder(dir));
    const warnings = tailWarnings(logFile(dir));
    const opened = openAtCheckpoint(dir, warnings);
    log = opened.log;
    const { finished: _, summary: __, ...rest } = before;
    const manifest: Manifest = { ...rest, status: 'running' };
    await writeManifest(dir, manifest);
    const run = new Run(dir, manifest, lock, log);
    return opened.checkpoint ? { run, checkpoint: opened.checkpoint, warnings } : { run, warnings };
  } catch (error) {
    log?.close();
    lock.release();
    throw error;
  }
}

/** What is wrong with the end of a log, in words. */
function tailWarnings(path: string): string[] {
  try {
    const { torn } = scanLog(path);
    if (!torn) return [];
    return [
      `the last record of ${path} was not whole: ${torn.reason}; ${torn.bytes} bytes from byte ${torn.offset} on were cut off`,
    ];
  } catch (error) {
    // Damage before the checkpoint is thrown when the log is opened there.
    return [`${(error as Error).message}; what lies behind the checkpoint is computed again`];
  }
}

/** The log, cut back to the newest checkpoint that can be read and whose place the log still has. */
function openAtCheckpoint(dir: string, warnings: string[]): { log: LogWriter; checkpoint?: Checkpoint } {
  const path = logFile(dir);
  const files = checkpointFiles(dir);
  for (const file of files) {
    try {
      const checkpoint = readCheckpoint(file);
      return { log: LogWriter.open(path, checkpoint.log).writer, checkpoint };
    } catch (error) {
      if (!(error instanceof RxnasError) || error.exitCode !== exitCode.dataMissing) throw error;
      warnings.push(`${error.message}; checkpoint ${basename(file)} is passed over`);
      renameSync(file, `${file}.damaged`);
    }
  }
  if (files.length === 0) return { log: LogWriter.open(path, logStart).writer };
  warnings.push(
    'the run begins anew: none of its checkpoints can be used; its log is kept as events.log.damaged',
  );
  if (lstatSync(path, { throwIfNoEntry: false })) renameSync(path, `${path}.damaged`);
  return { log: LogWriter.create(path) };
}

const logStart: LogPosition = { bytes: fileHeaderBytes, records: 0, rows: {} };

/** A run that this process writes. */
export class Run {
  #manifest: Manifest;
  readonly #lock: Lock;
  readonly #log: LogWriter;
  readonly #onAppend: OnAppend | undefined;
  #checkpoints: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @internal made by {@link createRun} and {@link resumeRun} */
  constructor(
    readonly dir: string,
    manifest: Manifest,
    lock: Lock,
    log: LogWriter,
    onAppend?: OnAppend,
  ) {
    this.#onAppend = onAppend;
    this.#manifest = manifest;
    this.#lock = lock;
    this.#log = log;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Where the log stands. */
  get position(): LogPosition {
    this.#log.flush();
    return this.#log.position;
  }

  /**
   * Log rows of an event: one row, several, or a batch. Synchronous, in the order of the calls; rows are gathered and written about once
   * a second. Throws a RangeError for a value that its column cannot hold, exit code 1 where the disk is full.
   */
  append<E extends EventName>(event: E, rows: Loggable<E>): void;
  /** An event of your own: any columns of the supported types. */
  append<T extends Columns>(event: string, batch: RecordBatch<T>): void;
  append(event: string, rows: RecordBatch | object | readonly object[]): void {
    if (rows instanceof RecordBatch) {
      this.#onAppend?.(event, rows);
      this.#log.appendBatch(event, rows);
      return;
    }
    const list: readonly RowInput<Columns>[] = Array.isArray(rows) ? rows : [rows];
    this.#onAppend?.(event, list);
    for (const row of list) {
      this.#log.appendRow(event, schemaOfRow(event, row), row);
    }
  }

  /** Hand all rows over to the operating system. */
  flush(): void {
    this.#log.flush();
  }

  /**
   * Make all rows and then `state` durable: from here {@link resumeRun} goes on. The checkpoint before is kept until then. Logs a
   * `checkpoint` row. Returns the file.
   */
  checkpoint(state: CheckpointState): Promise<string> {
    const { controller, position } = state;
    const weights = controller
      ? crc32(new Uint8Array(flatten(controller.config, controller.weights).buffer))
      : 0;
    this.append('checkpoint', { ...position, weights });
    const bytes = encodeCheckpoint({ ...state, log: this.position }); // now: the caller may change its arrays afterwards
    const written = this.#checkpoints.then(async () => {
      await this.#log.sync();
      return writeCheckpoint(this.dir, bytes);
    });
    this.#checkpoints = written.catch(() => {});
    return written;
  }

  /** Write the Parquet files anew from the log; returns the rows of each table. */
  project(): Promise<Partial<Record<TableName, number>>> {
    this.#log.flush();
    return projectTables(this.dir);
  }

  /** Change what is said about the run. */
  async update(changes: Partial<Pick<Manifest, 'tags' | 'note' | 'summary'>>): Promise<void> {
    const manifest = { ...this.#manifest, ...changes };
    await writeManifest(this.dir, manifest);
    this.#manifest = manifest;
  }

  /**
   * End the run: make all rows durable, where it is done write the Parquet files, set its status, give it free. Where that fails the run is given
   * free all the same, with what was logged.
   */
  async finish(status: Exclude<RunStatus, 'running'>, summary?: Record<string, JsonValue>): Promise<void> {
    if (this.#closed) throw new Error(`the run ${this.dir} has ended already`);
    try {
      await this.#checkpoints;
      await this.#log.sync();
      if (status === 'done') await projectTables(this.dir);
      await this.#settle(status, summary);
    } catch (error) {
      await this.#settle('failed').catch(() => {}); // the first error says more
      throw error;
    } finally {
      this.close();
    }
  }

  async #settle(status: RunStatus, summary?: Record<string, JsonValue>): Promise<void> {
    const manifest: Manifest = {
      ...this.#manifest,
      status,
      finished: new Date().toISOString(),
      ...(summary && { summary }),
      ...(status === 'done' && { log: { ...this.#log.position } }),
    };
    await writeManifest(this.dir, manifest);
    this.#manifest = manifest;
  }

  /** Give the run free without a new status, as the end of the process would; afterwards does nothing. */
  close(): void {
    this.#closed = true;
    try {
      this.#log.close();
    } finally {
      this.#lock.release();
    }
  }
}

/** A run that is only read, whether or not another process is writing it. */
export class StoredRun {
  constructor(
    readonly dir: string,
    readonly manifest: Manifest,
  ) {}

  /** Its log's file. */
  get log(): string {
    return logFile(this.dir);
  }

  /** The process that is writing the run. */
  get holder(): LockHolder | undefined {
    return lockHolder(lockFile(this.dir));
  }

  /** The logged rows, record by record; see {@link readLog}. The log of a finished run must be whole (else exit code 3). */
  *records(options: ReadLogOptions = {}): Generator<LogRecord, LogEnd> {
    const end = yield* readLog(logFile(this.dir), options);
    const { log } = this.manifest;
    if (log && end.position.bytes < log.bytes) {
      throw dataError(
        `${logFile(this.dir)} ends at byte ${end.position.bytes}, record ${end.position.records}; it had ${log.bytes} bytes and ${log.records} records`,
        'rows at its end are lost; restore the file from a backup, or run again',
      );
    }
    return end;
  }
}

/** Open a run for reading. Throws exit code 3 where the folder is none. */
export function openRun(folder: string): StoredRun {
  const dir = resolve(folder);
  return new StoredRun(dir, readManifest(dir));
}

/** Write the Parquet files of a run that nobody is writing anew from its log (exit code 1 where somebody is). */
export async function rebuildTables(folder: string): Promise<Partial<Record<TableName, number>>> {
  const { dir } = openRun(folder);
  const lock = acquireLock(lockFile(dir));
  try {
    return await projectTables(dir);
  } finally {
    lock.release();
  }
}

/** Change what is said about a run that nobody is writing (exit code 1 where somebody is). */
export async function describeRun(
  folder: string,
  changes: (manifest: Manifest) => Partial<Pick<Manifest, 'tags' | 'note'>>,
): Promise<Manifest> {
  const { dir } = openRun(folder);
  const lock = acquireLock(lockFile(dir));
  try {
    const before = readManifest(dir);
    const manifest = { ...before, ...changes(before) };
    await writeManifest(dir, manifest);
    return manifest;
  } finally {
    lock.release();
  }
}

/** Whether a folder holds a run, whole or broken. */
export const isRun = (folder: string): boolean => existsSync(manifestFile(folder));

function schemaOfRow(event: string, row: object): Schema<Columns> {
  if (event === 'embedding') return embeddingSchema((row as EventRow<'embedding'>).embedding.length) as never;
  const schemas = eventSchemas as unknown as Record<string, Schema<Columns>>;
  const schema = Object.hasOwn(schemas, event) ? schemas[event] : undefined;
  if (!schema) throw new TypeError(`'${event}' is no event of rxnas: log a batch with columns of its own`);
  return schema;
}

/** What {@link folderName} gives. */
export const folderPattern = /^\d{8}-\d{6}-[a-z0-9-]+-[0-9a-z]{6}$/;

function folderName(kind: string, created: Date): string {
  const time = created.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const slug =
    kind
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 40) || 'run';
  const id = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0');
  return `${time}-${slug}-${id}`;
}

/** What {@link createRun} writes before the manifest, with which a folder becomes a run. */
const beginnings = ['spec.lock.yaml', 'checkpoints', 'events.log'];

/** Whether a folder holds nothing but what a process left that ended while it made a run there. */
export function isUnfinished(dir: string, names: readonly string[] = readdirSync(dir)): boolean {
  const size = (name: string) => statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
  return (
    names.includes('run.lock') &&
    names.every((name) => name === 'run.lock' || beginnings.includes(name) || isTemporary(name)) &&
    checkpointFiles(dir).length === 0 &&
    size('events.log') <= fileHeaderBytes
  );
}

/** Returns whether the folder was made. */
function makeFolder(dir: string): boolean {
  const stats = onStorage(dir, () => statSync(dir, { throwIfNoEntry: false }));
  const elsewhere = 'give another folder with --out';
  if (!stats) {
    onStorage(dir, () => makeFolders(dir));
    return true;
  }
  if (!stats.isDirectory()) throw usageError(`${dir} is a file`, elsewhere);
  const names = onStorage(dir, () => readdirSync(dir));
  if (isRun(dir)) {
    throw usageError(
      `${dir} holds a run already`,
      `go on with it (\`rxnas resume ${dir}\`), or ${elsewhere}`,
    );
  }
  if (names.length > 0 && !isUnfinished(dir, names))
    throw usageError(`${dir} exists and is not empty`, elsewhere);
  return false;
}

/** A real folder at this place, not a link out of the run. */
function requireFolder(path: string): void {
  const stats = onStorage(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (!stats) onStorage(path, () => mkdirSync(path));
  else if (!stats.isDirectory())
    throw failure(`${path} is not a folder`, 'a run folder holds its checkpoints itself');
}
