import { join } from 'node:path';
import { z } from 'zod';
import { dataError } from '../errors.js';
import { type JsonValue, parseJson, readSmallFile, replaceFile } from './files.js';

export const manifestVersion = 1;
const limit = 16 * 2 ** 20;

/** `running` with nobody holding the lock means that the process died. */
export const runStatus = ['running', 'done', 'interrupted', 'failed'] as const;
export type RunStatus = (typeof runStatus)[number];

const time = z.iso.datetime();
const count = z.int().min(0);
const json = z.custom<JsonValue>((value) => value !== undefined);

/** `manifest.json`: what a run is, and how it stands. */
const manifestSchema = z.strictObject({
  format: z.literal('rxnas-run'),
  version: z.literal(manifestVersion),
  /** Name of the run, at first that of its folder. */
  id: z.string().min(1).max(200),
  /** What it does: `pretrain`, `search`, … */
  kind: z.string().min(1).max(100),
  status: z.enum(runStatus),
  /** UTC. */
  created: time,
  finished: time.optional(),
  seed: z.number(),
  /** The resolved spec or parameters. */
  spec: json,
  engine: z
    .strictObject({ name: z.string(), threads: count.optional(), version: z.string().optional() })
    .optional(),
  /** Of rxnas, node, platform and what else had a say. */
  versions: z.record(z.string(), z.string()),
  /** SHA-256 of every data set used, by name. */
  data: z.record(z.string(), z.string()),
  git: z.strictObject({ commit: z.string(), dirty: z.boolean() }).optional(),
  tags: z.array(z.string()).default([]),
  note: z.string().optional(),
  /** Final figures, e.g. best accuracy. */
  summary: z.record(z.string(), json).optional(),
  /** Length of the log of a finished run. */
  log: z.strictObject({ bytes: count, records: count, rows: z.record(z.string(), count) }).optional(),
});

export type Manifest = z.output<typeof manifestSchema>;

export const manifestFile = (dir: string) => join(dir, 'manifest.json');

/** Throws exit code 3 where the folder is no run, or its manifest is damaged or of a later version. */
export function readManifest(dir: string): Manifest {
  const path = manifestFile(dir);
  const hint = 'give the folder of a run (`rxnas runs` lists them)';
  const found = parseJson(readSmallFile(path, limit, hint).toString('utf8'), path, hint);
  const version = (found as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > manifestVersion) {
    throw dataError(
      `${path} has version ${version}; this rxnas reads up to ${manifestVersion}`,
      'use a newer rxnas',
    );
  }
  const result = manifestSchema.safeParse(found);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw dataError(`${path} is no manifest: ${issue?.path.join('.')}: ${issue?.message}`, hint);
}

/** Replaces the manifest atomically. */
export async function writeManifest(dir: string, manifest: Manifest): Promise<void> {
  await replaceFile(manifestFile(dir), `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}
