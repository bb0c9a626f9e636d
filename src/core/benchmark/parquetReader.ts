/** The process of `readParquetColumns`: reads one file, that anyone may have written, and ends. */
import type { RxnasError } from '../errors.js';
import type { FromReader } from './parquetColumns.js';
import { readParquetFile, type WantedColumns } from './parquetFile.js';

// A Ctrl-C of the terminal is for the process that wants the table.
process.on('SIGINT', () => {});
const say = (message: FromReader) =>
  new Promise<void>((resolve) => process.send!(message, undefined, undefined, () => resolve()));
const path = process.argv[2]!;
try {
  const columns = await readParquetFile(path, (names) => {
    const wanted = new Promise<WantedColumns>((resolve) => process.once('message', resolve));
    say({ names });
    return wanted;
  });
  await say({ columns });
} catch (error) {
  const { message, hint } = error as RxnasError; // it throws no others
  await say({ problem: message, hint });
}
process.disconnect();
