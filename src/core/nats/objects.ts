import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ObjectStore } from '@nats-io/obj';
import { cacheFolder } from '../cacheFolder.js';
import { dataError, failure } from '../errors.js';
import { makeFolders, NewFile, onStorage, sha256Of, storageError } from '../run/files.js';
import type { Nats } from './connection.js';

/** A file, known by what is in it: what a message carries of a checkpoint or table. */
export interface ObjectRef {
  /** SHA-256, 64 hexadecimal digits. */
  sha256: string;
  /** Its length. */
  bytes: number;
}

export interface ObjectsOptions {
  /** Name of the bucket on the server. */
  bucket?: string;
  /** Folder of the files that were fetched; default: `objects` in rxnas's cache. */
  folder?: string;
  /** Largest object, in bytes; default 4 GiB. */
  limit?: number;
  /** Milliseconds without a byte after which a transfer is given up; default 30,000. */
  stall?: number;
}

const chunkBytes = 128 * 1024;

/**
 * Files on their way between machines: checkpoints, benchmark tables. They lie in JetStream's object store under the SHA-256 of their content,
 * so that each is sent once, and is what it claims to be when it arrives. Fetched files are kept in a folder under the same name.
 */
export class Objects {
  readonly #bucket: string;
  readonly #folder: string;
  readonly #limit: number;
  readonly #stall: number;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(
    readonly nats: Nats,
    { bucket = 'rxnas', folder, limit = 4 * 2 ** 30, stall = 30_000 }: ObjectsOptions = {},
  ) {
    this.#bucket = bucket;
    this.#folder = folder ?? join(cacheFolder(), 'objects');
    this.#limit = limit;
    this.#stall = stall;
  }

  /**
   * Sends a file, unless the server has it. Throws exit code 1 where it is larger than the limit, changes meanwhile, or the server has no
   * room for it; otherwise as `Nats.request`.
   */
  async put(path: string): Promise<ObjectRef> {
    const ref = hashFile(path);
    if (ref.bytes > this.#limit) {
      throw failure(
        `${path} has ${ref.bytes} bytes, more than ${this.#limit} may be sent`,
        'put it where every worker can read it',
      );
    }
    await this.nats.request(async () => {
      const store = await this.#store();
      const known = await store.info(ref.sha256);
      if (known && !known.deleted && known.size === ref.bytes && known.digest === digestOf(ref.sha256))
        return;
      const data = Readable.toWeb(
        createReadStream(path, { highWaterMark: chunkBytes }),
      ) as ReadableStream<Uint8Array>;
      const sent = await store.put({ name: ref.sha256, options: { max_chunk_size: chunkBytes } }, data);
      if (sent.digest === digestOf(ref.sha256)) return;
      await store.delete(ref.sha256);
      throw failure(`${path} has changed while it was sent`, 'run it again when nothing writes to it');
    });
    return ref;
  }

  /**
   * The place of an object on this machine; fetched where it is not there yet, and checked in either case. Throws exit code 3 where the server
   * does not have it, or has something else under its name, 1 where it is larger than the limit, does not go on
   * arriving, or the disk is full.
   */
  get(ref: ObjectRef): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(ref.sha256) || !Number.isSafeInteger(ref.bytes) || ref.bytes < 0) {
      return Promise.reject(
        dataError('a message names an object that can be none', 'see who may publish on this server'),
      );
    }
    let fetched = this.#underWay.get(ref.sha256);
    if (!fetched) {
      fetched = this.#fetch(ref).finally(() => this.#underWay.delete(ref.sha256));
      this.#underWay.set(ref.sha256, fetched);
    }
    return fetched;
  }

  async #fetch(ref: ObjectRef): Promise<string> {
    if (ref.bytes > this.#limit) {
      throw failure(
        `the object ${ref.sha256.slice(0, 12)}… has ${ref.bytes} bytes, more than ${this.#limit} are taken`,
        'raise the limit of this worker',
      );
    }
    const path = join(this.#folder, ref.sha256);
    if (isKept(path, ref)) return path;
    onStorage(this.#folder, () => makeFolders(this.#folder));
    await this.nats.request(() => this.#receive(ref, path));
    return path;
  }

  async #receive({ sha256, bytes }: ObjectRef, path: string): Promise<void> {
    const name = `the object ${sha256.slice(0, 12)}…`;
    const found = await (await this.#store()).get(sha256);
    if (!found)
      throw dataError(
        `${name} is not on the NATS server at ${this.nats.where}`,
        'start the run again, which sends it',
      );
    // A link or a name that lies; what comes is checked all the same.
    if (found.info.size !== bytes) throw foreign(name, `has ${found.info.size} bytes, not ${bytes}`);
    found.error.catch(() => {}); // comes by the stream as well
    const file = new NewFile(path);
    const reader = found.data.getReader();
    const hash = createHash('sha256');
    try {
      for (;;) {
        const { done, value } = await this.#unlessStalled(reader.read(), name);
        if (done) break;
        if (file.bytes + value.length > bytes) throw foreign(name, 'is longer than it says');
        hash.update(value);
        file.write(value);
      }
      if (file.bytes !== bytes || hash.digest('hex') !== sha256)
        throw foreign(name, 'is not what its name says');
      await file.commit();
    } catch (error) {
      file.discard();
      void reader.cancel().catch(() => {});
      throw /digests do not match/.test((error as Error).message)
        ? foreign(name, 'is not what its name says')
        : error;
    }
  }

  async #unlessStalled<T>(read: Promise<T>, name: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const seconds = this.#stall / 1000;
        reject(
          failure(
            `${name} has not gone on arriving for ${seconds} s`,
            'nothing is lost: see to the network and the server, and resume',
          ),
        );
      }, this.#stall);
    });
    try {
      return await Promise.race([read, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #store(): Promise<ObjectStore> {
    const { Objm } = await import('@nats-io/obj');
    return new Objm(this.nats.jetstream).create(this.#bucket, {
      description: 'files of rxnas, by their SHA-256',
    });
  }
}

const foreign = (name: string, what: string) =>
  dataError(`${name} ${what}`, 'somebody else writes into the object store: see who may, and run it again');

/** As JetStream writes a SHA-256. */
const digestOf = (sha256: string) =>
  `SHA-256=${Buffer.from(sha256, 'hex').toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;

function hashFile(path: string): ObjectRef {
  try {
    const fd = openSync(path, 'r');
    try {
      return { sha256: sha256Of(fd).digest('hex'), bytes: fstatSync(fd).size };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw dataError(`${path} does not exist`, 'see to the path', { cause: error });
    throw storageError(error, path);
  }
}

/** Whether a file is there, and is still what it was. */
function isKept(path: string, { sha256, bytes }: ObjectRef): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false;
  return hashFile(path).sha256 === sha256;
}
