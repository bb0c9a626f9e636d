import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's folder for what can be made again: RXNAS_CACHE, else `rxnas` in the cache folder of the platform. Not created here. */
export const cacheFolder = (): string =>
  process.env.RXNAS_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rxnas');
