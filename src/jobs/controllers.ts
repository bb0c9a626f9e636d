import { basename } from 'node:path';
import { initialWeights } from '../core/controller/weights.js';
import type { Controller, EngineName } from '../core/engine/engine.js';
import { openEngine } from '../core/engine/index.js';
import { dataError } from '../core/errors.js';
import { given } from '../core/given.js';
import { controllerCheckpoint, isRun, readManifest } from '../core/run/index.js';
import { openSpace, type Space } from '../core/space/index.js';
import { headlineOf } from '../core/spec/differences.js';

export interface ControllersOptions {
  engine: EngineName | 'auto';
  threads?: number | undefined;
  /** Of the weights of the untrained one. */
  seed: number;
}

/** Trained controllers of one space, and one that was not trained. */
export interface Controllers {
  space: Space;
  /** What each is called, in their order. */
  names: string[];
  /** What each was trained with; undefined where that is not known. */
  losses: (string | undefined)[];
  /** What `work` gives for each, one after the other. */
  each<T>(work: (controller: Controller) => Promise<T>): Promise<{ trained: T[]; untrained: T }>;
}

/**
 * The controllers of runs, or of checkpoints. Throws exit code 3 where one cannot be read, or where they were made for different spaces.
 * @param paths at least one
 */
export function openControllers(
  paths: readonly string[],
  { engine: engineName, threads, seed }: ControllersOptions,
): Controllers {
  const stored = paths.map((path) => ({ path, ...controllerCheckpoint(path).checkpoint }));
  const [first] = stored as [(typeof stored)[number]];
  for (const { path, space } of stored) {
    if (!space) {
      throw dataError(`${path} does not say which space its controller is for`, 'pretrain it again');
    }
    if (space !== first.space) {
      throw dataError(
        `${first.path} was made for ${first.space}, ${path} for ${space}`,
        'compare controllers of one space',
      );
    }
  }
  return {
    space: openSpace(first.space),
    names: controllerNames(paths),
    losses: paths.map(lossOf),
    async each(work) {
      const engine = await openEngine(engineName, given({ threads }));
      const on = async ({ config, weights }: (typeof first)['controller']) => {
        const controller = await engine.controller(config, weights);
        try {
          return await work(controller);
        } finally {
          controller.dispose();
        }
      };
      try {
        const trained: Awaited<ReturnType<typeof work>>[] = [];
        for (const { controller } of stored) trained.push(await on(controller));
        const { config } = first.controller;
        return { trained, untrained: await on({ config, weights: initialWeights(config, seed) }) };
      } finally {
        await engine.dispose();
      }
    },
  };
}

/** What controllers are called: by their losses; where two have the same, by loss and folder. */
export function controllerNames(paths: readonly string[]): string[] {
  return distinct(paths, paths.map(lossOf));
}

const lossOf = (path: string) => (isRun(path) ? headlineOf(readManifest(path).spec).loss : undefined);

/** Labels that are told apart: those that are missing or stand for several are completed by the folder's name. */
export function distinct(paths: readonly string[], labels: readonly (string | undefined)[]): string[] {
  const names = labels.map((label, i) => {
    if (label === undefined) return basename(paths[i]!);
    return labels.indexOf(label) === labels.lastIndexOf(label) ? label : `${label}, ${basename(paths[i]!)}`;
  });
  return names.map((name, i) => (names.indexOf(name) === names.lastIndexOf(name) ? name : paths[i]!));
}
