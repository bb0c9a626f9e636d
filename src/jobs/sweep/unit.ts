import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { lastValueFrom, NEVER } from 'rxjs';
import { type Benchmark, type BenchmarkSpec, openBenchmark } from '../../core/benchmark/index.js';
import { controllerFor } from '../../core/controller/config.js';
import { flatten, unflatten } from '../../core/controller/weights.js';
import { StageMeters } from '../../core/meter.js';
import { controllerCheckpoint, isRun, openRun, packRun, readManifest } from '../../core/run/index.js';
import type { QueryRow } from '../../core/search/pool.js';
import { nameOf, type Spec } from '../../core/spec/spec.js';
import { type ReadSpec, readSpec, spaceOf } from '../../pipelines/fromSpec/index.js';
import { openSpec } from '../../pipelines/fromSpec/resources.js';
import { noHost, type Session } from '../../pipelines/fromSpec/session.js';
import { phaseStream } from '../../pipelines/fromSpec/stages.js';
import { resumeSpec, specJob } from '../specJob.js';
import type { Resolved } from './tasks.js';

/** One piece of work of a sweep: plain data that says all that its result depends on. */
export type SweepUnit = PretrainUnit | SearchUnit;

export interface PretrainUnit {
  kind: 'pretrain';
  /** Of the run's folder. */
  name: string;
  spec: Resolved;
}

export interface SearchUnit {
  kind: 'search';
  name: string;
  spec: Resolved;
  /** Of the controller that it begins with, in the order of `flatten`; absent: a fresh one. */
  weights?: Float32Array;
}

/** What comes of a unit. */
export type UnitResult = PretrainResult | SearchResult;

export interface PretrainResult {
  /** Of the pretrained controller. */
  weights: Float32Array;
  /** The run, packed (`rxnas runs unpack`); absent where it lies in the folder that the worker was given. */
  run?: Uint8Array;
}

export interface SearchResult {
  rows: QueryRow[];
}

export interface UnitOptions {
  /** Where runs of pretrainings are kept, and gone on with; default: nowhere, the result has the whole run. */
  folder?: string | undefined;
}

/** Carries out one unit of a sweep. */
export const runUnit = (unit: SweepUnit, options: UnitOptions = {}): Promise<UnitResult> =>
  unit.kind === 'pretrain' ? pretrain(unit, options) : search(unit);

async function pretrain({ name, spec }: PretrainUnit, { folder }: UnitOptions): Promise<PretrainResult> {
  if (folder !== undefined) {
    const dir = join(folder, name);
    await pretrainInto(dir, await readSpec(spec, { environment: {} }));
    return { weights: finalWeights(dir) };
  }
  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-pretrain-'));
  try {
    const dir = join(temporary, name);
    await pretrainInto(dir, await readSpec(spec, { environment: {} }));
    const { file } = await packRun(dir, join(temporary, 'run.tar'));
    return { weights: finalWeights(dir), run: new Uint8Array(readFileSync(file)) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** How long the process of a sweep that was killed may take to notice that it is alone. */
const orphanEnds = 10_000;

/** Runs the pretraining, or goes on with it where it was stopped. */
async function pretrainInto(dir: string, read: ReadSpec): Promise<void> {
  const options = { stop: NEVER };
  if (!isRun(dir)) {
    await specJob(read, { ...options, out: dir });
    return;
  }
  const run = openRun(dir);
  for (const until = performance.now() + orphanEnds; run.holder && performance.now() < until; ) {
    await wait(50);
  }
  if (readManifest(dir).status !== 'done') await resumeSpec(dir, read, options);
}

/** The weights of a pretraining's newest checkpoint. */
export function finalWeights(dir: string): Float32Array {
  const { config, weights } = controllerCheckpoint(dir).checkpoint.controller;
  return flatten(config, weights);
}

const open = new Map<string, Promise<Benchmark>>();

/** A benchmark is opened once a process, and stays open. */
function openOnce(spec: Spec, registry: ReadSpec['registry']): Promise<Benchmark> {
  const chosen = spec.benchmark!;
  const key = JSON.stringify(chosen);
  if (!open.has(key)) {
    const name = nameOf(chosen);
    open.set(key, openBenchmark(registry.find('benchmark', name) as BenchmarkSpec, chosen[name]));
  }
  return open.get(key)!;
}

async function search({ spec: resolved, weights: flat }: SearchUnit): Promise<SearchResult> {
  const { spec, registry } = await readSpec(resolved, { environment: {} });
  const benchmark = await openOnce(spec, registry);
  const weights = flat && unflatten(controllerFor(spaceOf(spec, registry)!), flat);
  const resources = await openSpec(spec, registry, { benchmark, ...(weights && { weights }) });
  try {
    await resources.openController();
    const session: Session = { spec, registry, resources, host: noHost, meters: new StageMeters() };
    for (const phase of spec.phases) {
      await lastValueFrom(phaseStream(session, phase), { defaultValue: undefined });
    }
    return { rows: session.pool!.rows };
  } finally {
    await resources.dispose();
  }
}
