import { fork } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataError } from '../errors.js';
import { besideModule } from '../workers.js';
import { type ParquetColumns, readParquetFile, type WantedColumns } from './parquetFile.js';

export type { ParquetColumns, WantedColumns } from './parquetFile.js';

/** What the process that reads a file says: the names of its columns, then those that were wanted of them; or why not. */
export type FromReader =
  | { names: string[] }
  | { columns: ParquetColumns }
  | { problem: string; hint: string };

/**
 * A table is read in a process of its own that may use so much memory and time: a file can state any number of values and runs, and a
 * Parquet library believes it. (Of a thread that runs out of memory, the whole process dies.) The largest table known,
 * NAS-Bench-101 with 423,624 rows, takes 0.2 GB and a second.
 */
const mostMegabytes = 1024;
const mostSeconds = 60;

/** The tables that come with the package are as they were made. */
const own = fileURLToPath(new URL('../../../datasets', import.meta.url));

/**
 * Read columns of a Parquet file, with any of its codecs. Rejects with exit code 3 where the file is missing, empty, cut, damaged or no
 * Parquet file, where it lacks one of the columns, where a column holds values of another kind, and where reading it
 * takes more than 1 GB or a minute.
 *
 * @param wanted the columns, or a function that chooses them from the names of all
 */
export function readParquetColumns(
  path: string,
  wanted: WantedColumns | ((all: readonly string[]) => WantedColumns),
): Promise<ParquetColumns> {
  const choose = typeof wanted === 'function' ? wanted : () => wanted;
  return dirname(resolve(path)) === own ? readParquetFile(path, choose) : readElsewhere(path, choose);
}

/** Names of the columns of a Parquet file; rejects as {@link readParquetColumns} does. */
export async function parquetColumnNames(path: string): Promise<readonly string[]> {
  let names: readonly string[] = [];
  await readParquetColumns(path, (all) => {
    names = all;
    return { numbers: [], texts: [] };
  });
  return names;
}

function readElsewhere(
  path: string,
  choose: (all: readonly string[]) => WantedColumns,
): Promise<ParquetColumns> {
  const reader = fork(fileURLToPath(besideModule(import.meta.url, './parquetReader.js')), [path], {
    execArgv: [`--max-old-space-size=${mostMegabytes}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const result = new Promise<ParquetColumns>((resolve, reject) => {
    const late = setTimeout(
      () => reject(tooHard(path, `reading it takes more than ${mostSeconds} s`)),
      1000 * mostSeconds,
    );
    reader.on('message', (message: FromReader) => {
      try {
        if ('names' in message) reader.send(choose(message.names));
        else if ('columns' in message) resolve(message.columns);
        else reject(dataError(message.problem, message.hint));
      } catch (error) {
        reject(error);
      }
    });
    reader.on('error', reject);
    reader.on('exit', () => {
      clearTimeout(late);
      reject(tooHard(path, `reading it takes more than ${mostMegabytes} MB`));
    });
  });
  return result.finally(() => reader.kill('SIGKILL'));
}

const tooHard = (path: string, what: string) =>
  dataError(`${path} is damaged: ${what}`, 'fetch or write the table again');
