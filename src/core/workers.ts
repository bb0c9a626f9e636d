import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The file of a worker script or compiled module that lies beside the calling module. Run from the TypeScript sources
 * (tests), the compiled twin under dist/ is used: worker threads cannot load TypeScript.
 */
export function besideModule(moduleUrl: string, file: string): URL {
  const url = new URL(file, moduleUrl);
  if (existsSync(fileURLToPath(url))) return url;
  const built = new URL(url.href.replace(/\/src\/(?!.*\/src\/)/, '/dist/'));
  return built;
}
