import { rebuildTables } from '../../src/core/run/index.js';

/** Writes the Parquet files of the run DIR again and again; prints a line before each time. */
const dir = process.argv.at(-1)!;
for (;;) {
  console.log('writing');
  await rebuildTables(dir);
}
