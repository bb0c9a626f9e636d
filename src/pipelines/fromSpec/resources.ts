import { randomUUID } from 'node:crypto';
import {
  type Benchmark,
  type BenchmarkSpec,
  type OpenOptions,
  openBenchmark,
} from '../../core/benchmark/index.js';
import { controllerFor, type Weights } from '../../core/controller/config.js';
import { initialWeights } from '../../core/controller/weights.js';
import type { OpenedEngine } from '../../core/engine/index.js';
import { dataError, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { controllerCheckpoint, type Manifest } from '../../core/run/index.js';
import type { Space } from '../../core/space/index.js';
import type { Registry } from '../../core/spec/registry.js';
import { type Chosen, nameOf, type Spec } from '../../core/spec/spec.js';
import {
  type Executors,
  type ExecutorsOptions,
  executorsOn,
  isElsewhere,
} from '../../core/work/executors.js';
import { openChoice } from '../openChoice.js';
import type { Resources } from './session.js';

/** What a spec names, opened. */
export interface OpenedSpec extends Resources {
  /** Absent where no stage needs the controller. */
  engine?: OpenedEngine;
  /** Adds the controller, where one is needed. */
  openController(): Promise<void>;
  dispose(): Promise<void>;
}

export interface OpenSpecOptions {
  /** Weights of the controller; default: those of the spec's `controller`, else fresh ones. */
  weights?: Weights;
  /** The spec's benchmark, open already: it stays so. */
  benchmark?: Benchmark;
  /** The engine of a resumed run, which its bits depend on, instead of the spec's. */
  engine?: Manifest['engine'];
  /** Name of the run, for work that is carried out elsewhere; asked for when the first work comes. Default: one of its own. */
  runName?: () => string;
  onNote?: (line: string) => void;
}

/**
 * Opens space, benchmark and engine of a spec. Throws what opening them throws, and exit code 2 where the spec's space is not that of
 * its benchmark.
 */
export async function openSpec(
  spec: Spec,
  registry: Registry,
  { weights, benchmark: open, engine: before, runName = randomUUID, onNote = () => {} }: OpenSpecOptions = {},
): Promise<OpenedSpec> {
  const executors = executorsOf(spec, registry, { run: runName, onNote });
  const benchmark =
    open ?? (spec.benchmark && (await openBenchmarkOf(spec.benchmark, registry, { onNote, executors })));
  const close = async () => {
    if (!open) await benchmark?.close?.();
  };
  const space: Space | undefined = spec.space ? openChoice(registry, 'space', spec.space) : benchmark?.space;
  if (benchmark && space && benchmark.space.name !== space.name) {
    await close();
    throw usageError(
      `the space is ${space.name}, but the benchmark ${benchmark.name} is of ${benchmark.space.name}`,
      'leave out `space`, or give another benchmark',
    );
  }
  const stored =
    weights ??
    (await closing(close, async () => spec.engine && space && storedWeights(spec.controller, space, onNote)));
  const chosen = spec.engine && before ? { [before.name]: given({ threads: before.threads }) } : spec.engine;
  const engine = chosen && (await closing(close, async () => openChoice(registry, 'engine', chosen)));
  const opened: OpenedSpec = {
    ...(space && { space }),
    ...(benchmark && { benchmark }),
    ...(engine && { engine }),
    async openController() {
      if (!engine || !space) return;
      const config = controllerFor(space);
      opened.controller = await engine.controller(config, stored ?? initialWeights(config, spec.seed));
    },
    async dispose() {
      opened.controller?.dispose();
      await engine?.dispose();
      await close();
    },
  };
  return opened;
}

/** What `work` gives; where it fails, `close` is called before. */
async function closing<T>(close: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the benchmark that a spec names. */
export function openBenchmarkOf(
  chosen: Chosen,
  registry: Registry,
  options: OpenOptions,
): Promise<Benchmark> {
  const name = nameOf(chosen);
  return openBenchmark(registry.find('benchmark', name) as BenchmarkSpec, chosen[name], options);
}

/** Where the benchmark of a spec trains. Throws exit code 2 where it trains nothing, but other machines are to do it. */
function executorsOf(
  { executor = 'processes', benchmark }: Spec,
  registry: Registry,
  options: ExecutorsOptions,
): Executors {
  const trains = benchmark && (registry.find('benchmark', nameOf(benchmark)) as BenchmarkSpec).trains;
  if (isElsewhere(executor) && !trains) {
    throw usageError(
      `${executor} is to train, but ${benchmark ? `the benchmark ${nameOf(benchmark)} trains nothing` : 'there is no benchmark'}`,
      'leave out --on (executor), or take a benchmark that trains: live:mnist',
    );
  }
  return executorsOn(executor, options);
}

/**
 * The weights of the pretrained controller of a run or checkpoint; none where none is named. Throws exit code 3 where it cannot be read, or was made
 * for another space.
 */
export function storedWeights(
  path: string | undefined,
  space: Space,
  onNote: (line: string) => void = () => {},
): Weights | undefined {
  if (path === undefined) return undefined;
  const { checkpoint, warnings } = controllerCheckpoint(path);
  for (const warning of warnings) onNote(warning);
  if (checkpoint.space !== space.name) {
    throw dataError(
      `the controller in ${path} was made for ${checkpoint.space}, the space here is ${space.name}`,
      `pretrain one with --space ${space.name}`,
    );
  }
  return checkpoint.controller.weights;
}

/** The space of a spec: its own, or that of its benchmark; nothing else is opened. */
export function spaceOf({ space, benchmark }: Spec, registry: Registry): Space | undefined {
  if (space) return openChoice(registry, 'space', space);
  return benchmark && (registry.find('benchmark', nameOf(benchmark)) as BenchmarkSpec).space;
}
