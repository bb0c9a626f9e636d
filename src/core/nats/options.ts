import { readFileSync } from 'node:fs';
import { usageError } from '../errors.js';
import { given } from '../given.js';
import type { Environment } from '../spec/environment.js';

/**
 * Who connects to a NATS server, and how. Secrets come from files or the environment ({@link natsOptions}), never from the
 * command line or a spec: those stand in the process list, in manifests and in logs.
 */
export interface NatsOptions {
  /** Address where the caller names none; it alone may carry user and password. */
  url?: string;
  user?: string;
  password?: string;
  token?: string;
  /** Content of a creds file (JWT and nkey seed), or of a file with a bare nkey seed. */
  creds?: string;
  /** Content of PEM files. */
  ca?: string;
  cert?: string;
  key?: string;
  /** Do not check the server's certificate; only for trials on one machine. */
  insecure?: boolean;
  /** Milliseconds for which a lost server is waited for; default 120,000. */
  patience?: number;
  /** What the server's own pages call this connection. */
  name?: string;
}

/**
 * The options that the environment gives: `RXNAS_NATS_URL`, `_USER`, `_PASSWORD`, `_TOKEN`, each also as the name of a file in the variable
 * with `_FILE` behind it; the files `RXNAS_NATS_CREDS`, `_CA`, `_CERT`, `_KEY`; `RXNAS_NATS_INSECURE=1`; `RXNAS_NATS_PATIENCE` in seconds.
 */
export function natsOptions(environment: Environment = process.env): NatsOptions {
  const named = (name: string) => environment[`RXNAS_NATS_${name}`] || undefined;
  const file = (name: string) => {
    const path = named(name);
    return path === undefined ? undefined : contentOf(path, `RXNAS_NATS_${name}`);
  };
  const value = (name: string) => named(name) ?? file(`${name}_FILE`)?.trim();
  const seconds = named('PATIENCE');
  if (seconds !== undefined && !(Number(seconds) >= 0 && Number(seconds) <= 86_400)) {
    throw usageError(`RXNAS_NATS_PATIENCE is '${seconds}'`, 'give seconds, from 0 to 86400');
  }
  return given({
    url: value('URL'),
    user: value('USER'),
    password: value('PASSWORD'),
    token: value('TOKEN'),
    creds: file('CREDS'),
    ca: file('CA'),
    cert: file('CERT'),
    key: file('KEY'),
    insecure: named('INSECURE') === undefined ? undefined : named('INSECURE') === '1',
    patience: seconds === undefined ? undefined : Number(seconds) * 1000,
  });
}

function contentOf(path: string, from: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw usageError(`${from}: the file ${path} ${why}`, 'name a file that this user may read', {
      cause: error,
    });
  }
}
