import { closeSync, openSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { usageError } from '../../errors.js';
import { given } from '../../given.js';
import { sha256Of } from '../../run/files.js';
import { spaceNames } from '../../space/index.js';
import { nasbench101 } from '../../space/nasbench101.js';
import type { Space } from '../../space/space.js';
import { type CompactTable, writeCompactTable } from '../compactTable.js';
import type { Figure } from '../figures.js';
import { openArrow } from './arrow.js';
import { openCsv } from './csv.js';
import { formatOf, type SourceFormat } from './detect.js';
import { officialFiles } from './download.js';
import type { Gathering } from './gather.js';
import { type DuplicatePolicy, importTable } from './importTable.js';
import { openJson } from './json.js';
import { importNasbenchRecords } from './nasbenchRecords.js';
import { openParquet } from './parquet.js';
import type { ReadProgress } from './progress.js';
import { type GivenRoles, type Roles, rolesOf } from './roles.js';
import type { Scale } from './scale.js';
import { type ImportSummary, summarize } from './summary.js';

export interface ImportOptions {
  /** NAS-Bench-101's own TFRecord file, or a CSV, JSON, Parquet or Arrow table. */
  from: string;
  /** The table to write; what was there is replaced when all has been read. */
  out: string;
  /** Name of the benchmark in runs and messages; default: that of the space. */
  name?: string;
  /** Space of the cells; needed for all but TFRecord files. */
  space?: Space;
  /** Which column is what; default: what their names say. */
  roles?: GivenRoles;
  scale?: Scale;
  duplicates?: DuplicatePolicy;
  skipUnknown?: boolean;
}

export interface ImportStep extends ReadProgress {
  /** With the last step, when the table is there. */
  result?: ImportResult;
}

export interface ImportResult extends ImportSummary {
  /** The file that was written. */
  table: string;
  name: string;
  source: Source;
  /** Columns of the source that were taken, and what as. */
  columns: Record<string, string>;
}

interface Source {
  file: string;
  format: SourceFormat;
  bytes: number;
  sha256: string;
  /** The published file that it is, by its SHA-256. */
  official?: string;
}

interface Read {
  gathering: Gathering;
  sha256: string;
  roles?: Roles;
}

/**
 * Import a benchmark into a compact table. Nothing is written before all of the source has been read and checked, and the table then
 * appears whole. Throws exit code 3 for a source that is damaged or wrong, 2 for wrong options.
 */
export async function* importBenchmark(options: ImportOptions): AsyncGenerator<ImportStep> {
  const { from, out } = options;
  const format = formatOf(from);
  const { gathering, sha256, roles } = yield* format === 'tfrecord'
    ? readRecords(options)
    : readTable(options, format);
  const { size: bytes } = statSync(from);
  const official = Object.values(officialFiles).find((file) => file.sha256 === sha256);
  const source: Source = {
    ...{ file: from, format, bytes, sha256 },
    ...given({ official: official && basename(official.url) }),
  };
  const { space } = gathering;
  const name = options.name ?? space.name;
  const table: CompactTable = {
    ...{ name, space, ...gathering.table() },
    summary: `${space.name} from ${basename(from)}`,
    provenance: provenanceOf(source, roles, gathering),
  };
  const summary = summarize(gathering, table);
  await writeCompactTable(out, table);
  const columns = roles ? columnsInWords(roles) : {};
  yield { done: bytes, total: bytes, result: { table: out, name, ...summary, source, columns } };
}

async function* readRecords({ from, space, ...options }: ImportOptions): AsyncGenerator<ReadProgress, Read> {
  if (space && space !== nasbench101)
    throw usageError(
      `${from} is a TFRecord file, which only NAS-Bench-101 has`,
      'give --space nasbench101, or none',
    );
  return yield* importNasbenchRecords(from, options);
}

const readers = { csv: openCsv, json: openJson, parquet: openParquet, arrow: openArrow };

async function* readTable(
  { from, space, roles: wish = {}, ...options }: ImportOptions,
  format: Exclude<SourceFormat, 'tfrecord'>,
): AsyncGenerator<ReadProgress, Read> {
  if (!space)
    throw usageError('the import needs the space of the cells', `give --space: ${spaceNames.join(' or ')}`);
  const source = await readers[format](from);
  const roles = rolesOf(from, source.columns, space, wish);
  const gathering = yield* importTable(source, roles, { ...options, space });
  const fd = openSync(from, 'r');
  try {
    return { gathering, roles, sha256: sha256Of(fd).digest('hex') };
  } finally {
    closeSync(fd);
  }
}

const figureInWords = ({ dataset, epochs, point, quantity, repeat }: Figure) =>
  `${point === 'half' ? 'half-way ' : ''}${quantity} ${repeat} on ${dataset}${epochs > 0 ? ` after ${epochs} epochs` : ''}`;

const columnsInWords = ({ key, figures, parameters }: Roles): Record<string, string> =>
  Object.fromEntries([
    ...key.map((column) => [column, 'cell']),
    ...figures.map(({ column, figure }) => [column, figureInWords(figure)]),
    ...(parameters === undefined ? [] : [[parameters, 'parameters']]),
  ]);

function provenanceOf(
  { file, sha256, official }: Source,
  roles: Roles | undefined,
  { repairs }: Gathering,
): string {
  const columns = roles?.figures.map(({ column, figure }) => `${column} as ${figureInWords(figure)}`) ?? [];
  const what = official ? `NAS-Bench-101's own ${official} (arXiv 1902.09635)` : basename(file);
  return [`imported from ${what}, SHA-256 ${sha256}`, ...columns, ...repairs].join('; ');
}
