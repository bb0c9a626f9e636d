import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cacheFolder.js';
import { dataError } from '../errors.js';
import { onStorage } from '../run/files.js';
import type { WorkFiles } from '../work/kind.js';
import type { ObjectRef, Objects } from './objects.js';

const referenceOf = ({ sha256, bytes }: ObjectRef) => `object:${sha256}:${bytes}`;

/** Files of units and results, by the object store. A file is sent once, and is to stay as it is while it is in use. */
export function objectFiles(objects: Pick<Objects, 'put' | 'get'>): WorkFiles {
  const sent = new Map<string, Promise<string>>();
  return {
    send(file) {
      const name = typeof file === 'string' ? file : file.name;
      let reference = sent.get(name);
      if (!reference) {
        reference = (typeof file === 'string' ? objects.put(file) : putContent(objects, file.content())).then(
          referenceOf,
        );
        sent.set(name, reference);
        reference.catch(() => sent.delete(name));
      }
      return reference;
    },
    async fetch(reference) {
      const [, sha256, bytes] = /^object:([0-9a-f]{64}):(\d{1,15})$/.exec(reference) ?? [];
      if (sha256 !== undefined) return objects.get({ sha256, bytes: Number(bytes) });
      throw dataError(
        `'${reference.slice(0, 100)}' refers to no object`,
        'see who may publish on this server',
      );
    },
  };
}

/** The object store takes files. */
async function putContent(objects: Pick<Objects, 'put'>, content: Uint8Array): Promise<ObjectRef> {
  const folder = join(cacheFolder(), 'objects');
  const file = join(folder, `${randomUUID()}.tmp`);
  try {
    onStorage(file, () => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, content);
    });
    return await objects.put(file);
  } finally {
    rmSync(file, { force: true });
  }
}
