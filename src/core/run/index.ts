export {
  type Checkpoint,
  type CheckpointArray,
  type CheckpointState,
  checkpointFiles,
  controllerCheckpoint,
  newestCheckpoint,
  type RunPosition,
  readCheckpoint,
} from './checkpoint.js';
export { collectGarbage, removeRun } from './cleanup.js';
export { type CellEmbeddings, readEmbeddings } from './embeddings.js';
export { type JsonValue, NewFile, replaceFile, storageError } from './files.js';
export { type FollowOptions, followRun, type Standing, watchRun } from './follow.js';
export type { LogPosition } from './log/position.js';
export {
  type LogDamage,
  type LogEnd,
  type LogRecord,
  type ReadLogOptions,
  readLog,
  scanLog,
} from './log/reader.js';
export { LogWriter } from './log/writer.js';
export { type Manifest, type RunStatus, readManifest } from './manifest.js';
export { packRun, unpackRun } from './pack.js';
export { ParquetColumnSink } from './parquet/columnSink.js';
export { ParquetRowSink } from './parquet/rowSink.js';
export { type Difference, RowCheck, RowsDiffer } from './rowCheck.js';
export {
  type CreateRunOptions,
  createRun,
  describeRun,
  isRun,
  type Loggable,
  type OnAppend,
  openRun,
  type ResumedRun,
  Run,
  rebuildTables,
  resumeRun,
  StoredRun,
} from './run.js';
export { findRun, latestRun, listRuns, type RunEntry, type RunState, runBytes, runState } from './runs.js';
export {
  type ExportFormat,
  exportFormats,
  exportTable,
  type TableName,
  tableEvents,
  tableFiles,
  tableNames,
} from './tables.js';
