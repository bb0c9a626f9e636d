import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cacheFolder } from '../../cacheFolder.js';
import { dataError, failure, RxnasError } from '../../errors.js';
import { onStorage, sha256Of, storageError, syncFolder } from '../../run/files.js';

/** A published file and its checksum. */
export interface PublishedFile {
  url: string;
  /** SHA-256, hexadecimal. */
  sha256: string;
}

/** NAS-Bench-101's own files, with the checksums of its README (github.com/google-research/nasbench). */
export const officialFiles = {
  only108: {
    url: 'https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord',
    sha256: '4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1',
  },
  full: {
    url: 'https://storage.googleapis.com/nasbench/nasbench_full.tfrecord',
    sha256: '3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c',
  },
} as const satisfies Record<string, PublishedFile>;

export interface DownloadProgress {
  /** Bytes that are there, those of an earlier attempt included. */
  done: number;
  /** Bytes of the whole file; 0 where the server does not say. */
  total: number;
  /** The file, once it is whole and its checksum fits. */
  file?: string;
}

export interface DownloadOptions {
  /** Folder that keeps the file; default: the user's cache. */
  folder?: string;
  /** How often it is tried again without a byte of progress; default 5. */
  attempts?: number;
  /** Milliseconds before the first repeat, doubled each time; default 1000. */
  pause?: number;
}

/**
 * Fetch a file, going on from what an earlier attempt has left (`NAME.part`), and compare its SHA-256. A file that is there already is
 * only compared. Throws exit code 1 where the server cannot be reached or refuses, 3 where the checksum does not fit.
 */
export async function* download(
  { url, sha256 }: PublishedFile,
  { folder = cacheFolder(), attempts = 5, pause = 1000 }: DownloadOptions = {},
): AsyncGenerator<DownloadProgress> {
  const file = join(folder, basename(new URL(url).pathname));
  onStorage(folder, () => mkdirSync(folder, { recursive: true }));
  if (sizeOf(file) > 0) {
    if (hashOf(file).digest('hex') !== sha256) throw wrongChecksum(file, url);
    yield { done: sizeOf(file), total: sizeOf(file), file };
    return;
  }
  const part = new PartialFile(`${file}.part`);
  try {
    for (let failures = 0; ; ) {
      const before = part.bytes;
      try {
        yield* fetchRest(url, part);
        break;
      } catch (error) {
        if (error instanceof RxnasError) throw error;
        failures = part.bytes > before ? 0 : failures + 1;
        if (failures > attempts) throw unreachable(url, part, error);
        await wait(pause * 2 ** Math.max(0, failures - 1));
      }
    }
    if (part.digest() !== sha256) {
      part.remove();
      throw wrongChecksum(`what ${url} has sent`, url);
    }
    part.keepAs(file);
  } finally {
    part.close();
  }
  yield { done: part.bytes, total: part.bytes, file };
}

/** One request, for what the part lacks. Throws a plain Error where the connection ends too early. */
async function* fetchRest(url: string, part: PartialFile): AsyncGenerator<DownloadProgress> {
  const from = part.bytes;
  const abort = new AbortController();
  try {
    const response = await fetch(url, {
      // No content encoding: ranges would be of the encoded bytes.
      headers: { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) },
      signal: abort.signal,
    });
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
    const size = range ? Number(range[2]) : undefined;
    if (response.status === 416 && size === from) return; // all was there already
    if (response.status === 416 || (response.status === 206 && Number(range?.[1]) !== from)) {
      part.restart();
      throw new Error('the server has another file now');
    }
    if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
    if (response.status !== 200 && response.status !== 206)
      throw failure(
        `${url} answers with status ${response.status}`,
        'fetch the file from elsewhere and use --from-file',
      );
    if (response.status === 200) part.restart();
    const total = size ?? Number(response.headers.get('content-length') ?? 0);
    for await (const bytes of response.body ?? []) {
      part.append(bytes);
      yield { done: part.bytes, total };
    }
    if (total > 0 && part.bytes < total)
      throw new Error(`the connection ended after ${part.bytes} of ${total} bytes`);
  } finally {
    abort.abort();
  }
}

/** A file that grows over several attempts, and the hash of what it has. */
class PartialFile {
  readonly #fd: number;
  #hash: Hash;
  #open = true;
  bytes = 0;

  constructor(readonly path: string) {
    this.#hash = sizeOf(path) > 0 ? hashOf(path) : createHash('sha256');
    this.bytes = sizeOf(path);
    this.#fd = onStorage(path, () => openSync(path, 'a'));
  }

  append(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      throw storageError(error, this.path);
    }
    this.#hash.update(bytes);
    this.bytes += bytes.length;
  }

  restart(): void {
    if (this.bytes === 0) return;
    onStorage(this.path, () => ftruncateSync(this.#fd));
    this.#hash = createHash('sha256');
    this.bytes = 0;
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  keepAs(file: string): void {
    onStorage(this.path, () => {
      fsyncSync(this.#fd);
      renameSync(this.path, file);
      syncFolder(dirname(file));
    });
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function hashOf(path: string): Hash {
  const fd = onStorage(path, () => openSync(path, 'r'));
  try {
    return sha256Of(fd);
  } finally {
    closeSync(fd);
  }
}

const wrongChecksum = (what: string, url: string) =>
  dataError(
    `${what} does not have the published SHA-256`,
    `remove it, fetch ${url} again, and compare: it is damaged, or has been replaced`,
  );

const unreachable = (url: string, part: PartialFile, error: unknown) => {
  const { cause, message } = error as Error & { cause?: Error };
  return failure(
    `cannot fetch ${url}: ${cause?.message ?? message}`,
    `${part.bytes > 0 ? `the ${part.bytes} bytes that have come are kept; the same command goes on from there. ` : ''}Or fetch it with another program and use --from-file FILE`,
    { cause: error },
  );
};
