import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the golden figures: `RXNAS_GOLDEN` where it is set (figures of another seed), else this one. */
export const goldenFolder = process.env.RXNAS_GOLDEN ?? fileURLToPath(new URL('.', import.meta.url));

/** One golden file, parsed. */
// biome-ignore lint/suspicious/noExplicitAny: the files have many shapes, described in their README
export function goldenFile(name: string): any {
  return JSON.parse(readFileSync(join(goldenFolder, name), 'utf8'));
}
