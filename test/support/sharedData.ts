import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * A real benchmark table that may not be committed, from `shared/data` beside the checkout, or undefined where it is
 * missing: tests that need it then skip, visibly (`it.skipIf(!table)`).
 */
export function sharedData(name: string): string | undefined {
  const file = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}
