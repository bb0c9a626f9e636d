import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { failure, RxnasError, usageError } from '../core/errors.js';
import {
  exportTable,
  listRuns,
  type Manifest,
  runState,
  type TableName,
  tableEvents,
  tableFiles,
  tableNames,
} from '../core/run/index.js';
import { openSpace } from '../core/space/index.js';
import { headlineOf } from '../core/spec/differences.js';
import { cellFacts } from './cellFacts.js';
import { spaceOfRun } from './spaceOfRun.js';

/** What a statement gave. Integers of 64 bits are numbers where they fit and strings where not. */
export interface SqlResult {
  columns: string[];
  /** A row an array, in the order of the columns. */
  rows: unknown[][];
}

/** The tables that a statement may name, with what they hold. */
export const sqlTables = {
  runs: 'a row a run: name, dir, kind, status, created, finished, space, benchmark, loss, searcher, seed, engine, tags, note, spec, summary',
  metrics: 'steps of pretraining and inner epochs of searches, with the run’s name',
  queries: 'queries of the searches',
  results: 'queries of the searches of sweeps: variant, loss, seeds and protocol say of which',
  summaries: 'how each variant of a sweep did, with its tests',
  embeddings: 'embeddings that the runs have written',
  cells:
    'each cell that a run has queried or embedded: what it is made of, and its mean accuracies over the queries',
} as const;

/**
 * Runs one SQL statement over the tables of all runs in a folder, by DuckDB. `embeddings.embedding` is a list of floats, so that
 * `list_cosine_similarity` finds neighbours. Tables of runs that are not finished are read from their logs.
 *
 * Throws exit code 2 for SQL that cannot be run, with DuckDB's own message, 1 where DuckDB is not installed.
 */
export async function runSql(statement: string, { root = 'runs' } = {}): Promise<SqlResult> {
  return withTables(statement, root, async (connection) => {
    const reader = await connection.runAndReadAll(statement);
    const rows = reader.getRowsJS().map((row) => row.map(plain));
    return { columns: reader.deduplicatedColumnNames(), rows };
  });
}

/** Writes what a statement gives into a file (Parquet, CSV or JSON, by its ending); returns the rows written. */
export async function exportSql(statement: string, file: string, { root = 'runs' } = {}): Promise<number> {
  const format = /\.(parquet|csv|json)$/.exec(file)?.[1];
  if (!format)
    throw usageError(`cannot tell the format of ${file}`, 'end its name in .parquet, .csv or .json');
  return withTables(statement, root, async (connection) => {
    const query = statement.trim().replace(/;$/, '');
    const reader = await connection.runAndReadAll(`COPY (${query}) TO '${quoted(file)}' (FORMAT ${format})`);
    return Number(reader.getRowsJS()[0]?.[0] ?? 0);
  });
}

async function withTables<T>(
  statement: string,
  root: string,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((error) => {
    throw failure('DuckDB does not load here', 'install it with `npm install @duckdb/node-api`', {
      cause: error,
    });
  });
  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-sql-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await createTables(connection, root, temporary, /\bcells\b/i.test(statement));
    return await work(connection).catch((error: Error) => {
      throw usageError(
        `DuckDB: ${error.message.trim()}`,
        `the tables are ${Object.keys(sqlTables).join(', ')}; \`rxnas sql\` alone shows their columns`,
        { cause: error },
      );
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function createTables(
  connection: DuckDBConnection,
  root: string,
  temporary: string,
  withCells: boolean,
): Promise<void> {
  const runs = listRuns(root).flatMap(({ dir, manifest }) =>
    manifest ? [{ name: basename(dir), dir, manifest }] : [],
  );
  await connection.run(
    `CREATE TABLE runs (name VARCHAR, dir VARCHAR, kind VARCHAR, status VARCHAR, created TIMESTAMP, finished TIMESTAMP,
       space VARCHAR, benchmark VARCHAR, loss VARCHAR, searcher VARCHAR, seed BIGINT, engine VARCHAR, tags VARCHAR[], note VARCHAR, spec JSON,
       summary JSON)`,
  );
  for (const { name, dir, manifest } of runs) {
    const { kind, created, finished, seed, engine, tags, note, spec, summary } = manifest;
    const { benchmark, loss, searcher } = headlineOf(spec);
    const values = [name, dir, kind, runState(dir, manifest), created, finished, spaceOfRun(manifest)];
    const texts = [...values, benchmark, loss, searcher, seed, engine?.name, tags, note, spec, summary].map(
      literal,
    );
    await connection.run(`INSERT INTO runs VALUES (${texts.join(', ')})`);
  }
  for (const table of tableNames) {
    const parts: string[] = [];
    for (const { name, dir, manifest } of runs) {
      for (const file of await filesOf(dir, manifest, table, join(temporary, name))) {
        parts.push(`SELECT ${literal(name)} AS run, * FROM read_parquet(${literal(file)})`);
      }
    }
    const rows = parts.length > 0 ? parts.join(' UNION ALL BY NAME ') : emptyTable[table];
    await connection.run(`CREATE VIEW ${table} AS ${rows}`);
  }
  if (withCells) await createCells(connection);
}

/** Columns that are asked for most, so that a statement over no rows still runs. */
const emptyTable: Record<TableName, string> = {
  metrics: 'SELECT NULL::VARCHAR AS run, 0 AS step, 0.0::DOUBLE AS total WHERE false',
  queries:
    'SELECT NULL::VARCHAR AS run, 0 AS query, 0::UINTEGER AS cell, NULL::VARCHAR AS hash, 0.0::DOUBLE AS validation, 0.0::DOUBLE AS test WHERE false',
  results:
    'SELECT NULL::VARCHAR AS run, NULL::VARCHAR AS variant, 0::UINTEGER AS seed, 0 AS query, 0.0::DOUBLE AS best_test WHERE false',
  summaries:
    'SELECT NULL::VARCHAR AS run, NULL::VARCHAR AS variant, 0.0::DOUBLE AS queries, 0.0::DOUBLE AS test WHERE false',
  embeddings:
    'SELECT NULL::VARCHAR AS run, 0::UINTEGER AS cell, NULL::VARCHAR AS hash, []::FLOAT[] AS embedding WHERE false',
  stages: 'SELECT NULL::VARCHAR AS run, NULL::VARCHAR AS stage, 0.0::DOUBLE AS seconds WHERE false',
};

/** The Parquet files of a table; where they are not written (a run that goes on, or was unpacked), a copy made from the log. */
async function filesOf(dir: string, manifest: Manifest, table: TableName, copies: string): Promise<string[]> {
  const files = tableFiles(dir, table).map((name) => join(dir, name));
  const { log } = manifest;
  if (log && (files.length > 0 || tableEvents[table].every((event) => !log.rows[event]))) return files;
  try {
    const { file } = await exportTable(dir, table, 'parquet', join(copies, `${table}.parquet`));
    return [file];
  } catch (error) {
    if (error instanceof RxnasError) return files; // no such rows yet, or a log that cannot be read
    throw error;
  }
}

async function createCells(connection: DuckDBConnection): Promise<void> {
  const { LIST, VARCHAR } = await import('@duckdb/node-api');
  await connection.run(
    `CREATE TABLE cell_facts (space VARCHAR, cell UINTEGER, id INTEGER, hash VARCHAR, text VARCHAR, ops VARCHAR[], vertices INTEGER, edges INTEGER,
       depth INTEGER)`,
  );
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT space, cell FROM (SELECT run, cell FROM queries UNION SELECT run, cell FROM embeddings) AS seen
     JOIN runs ON runs.name = seen.run WHERE space IS NOT NULL ORDER BY ALL`,
  );
  const appender = await connection.createAppender('cell_facts');
  for (const [space, cell] of found.getRowsJS() as [string, number][]) {
    const { id, hash, text, ops, vertices, edges, depth } = cellFacts(openSpace(space), cell);
    appender.appendVarchar(space);
    appender.appendUInteger(cell);
    appender.appendInteger(id);
    appender.appendVarchar(hash);
    appender.appendVarchar(text);
    appender.appendList(ops, LIST(VARCHAR));
    for (const count of [vertices, edges, depth]) {
      if (count === undefined) appender.appendNull();
      else appender.appendInteger(count);
    }
    appender.endRow();
  }
  appender.closeSync();
  await connection.run(
    `CREATE VIEW cells AS SELECT cell_facts.*, validation, test FROM cell_facts LEFT JOIN
       (SELECT space, cell, avg(validation) AS validation, avg(test) AS test FROM queries JOIN runs ON runs.name = queries.run GROUP BY ALL)
     USING (space, cell)`,
  );
}

const quoted = (text: string) => text.replaceAll("'", "''");

/** A value as SQL text. */
function literal(value: unknown): string {
  if (value === undefined || value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${quoted(value)}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]::VARCHAR[]`;
  return `'${quoted(JSON.stringify(value))}'`;
}

/** A value of DuckDB as JSON can hold it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return typeof value === 'object' && value !== null ? String(value) : value;
}
