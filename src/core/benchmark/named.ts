import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isTemporary } from '../run/files.js';

const extension = '.arrow';

/** Folders of imported tables, in which they are found by name: `$RXNAS_HOME/benchmarks`, where that is set, and `./benchmarks`. */
export function tableFolders(): string[] {
  const home = process.env.RXNAS_HOME;
  return [...(home ? [join(home, 'benchmarks')] : []), 'benchmarks'];
}

/** Where an import under a name is put. */
export const tablePath = (name: string): string => join(tableFolders()[0]!, `${name}${extension}`);

/** The imported tables: file by name. */
export function importedTables(): Map<string, string> {
  const tables = new Map<string, string>();
  for (const folder of tableFolders()) {
    for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
      const name = basename(file, extension);
      if (file.endsWith(extension) && !isTemporary(file) && !tables.has(name))
        tables.set(name, join(folder, file));
    }
  }
  return tables;
}

/** File of the table that was imported under a name, or undefined. */
export const importedTable = (name: string): string | undefined => importedTables().get(name);
