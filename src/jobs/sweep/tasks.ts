import type { JsonValue } from '../../core/run/index.js';
import { resolvedSpec, specHash } from '../../core/spec/resolved.js';
import { type Chosen, componentsOf, nameOf } from '../../core/spec/spec.js';
import type { ReadSpec } from '../../pipelines/fromSpec/index.js';
import type { Sweep, Variant } from '../../pipelines/fromSpec/sweep.js';
import { roundsOf } from '../resumable.js';

/** A spec with all that it leaves open filled in. */
export type Resolved = Record<string, JsonValue>;

/** A pretraining of a sweep. */
export interface PretrainTask {
  readonly kind: 'pretrain';
  /** Of its folder in the sweep's: `pretrain-VARIANT-SEED`. */
  readonly name: string;
  readonly seed: number;
  readonly read: ReadSpec;
  readonly spec: Resolved;
  readonly after?: never;
}

/** A search of a sweep. */
export interface SearchTask {
  readonly kind: 'search';
  readonly name: string;
  /** Its place in the order of the sweep's rows. */
  readonly index: number;
  readonly variant: Variant;
  /** Seed of the pretraining, or of the group of searches where there is none. */
  readonly pretrainSeed: number;
  readonly seed: number;
  readonly spec: Resolved;
  readonly after?: PretrainTask;
}

export type SweepTask = PretrainTask | SearchTask;

/** Between the seeds of two searches on one pretraining; more than a sweep can have pretrainings of a variant. */
const searchSeedStep = 1000;

/**
 * What a sweep does, in the order of its rows: first one search on each pretraining, seed by seed, so that a sweep that was stopped has as many
 * of each variant; then the second one, and so on. Searches of the same place in two variants have the same seed, and with it the same initial
 * sample. Variants whose pretrainings are the same share them.
 */
export function tasksOf(sweep: Sweep): { pretrainings: PretrainTask[]; searches: SearchTask[] } {
  const pretrainings = new Map<string, PretrainTask>();
  const pretraining = ({ name, pretrain }: Variant, seed: number): PretrainTask => {
    const spec = specWith(pretrain!, seed);
    const key = specHash(spec);
    const found = pretrainings.get(key);
    if (found) return found;
    const task: PretrainTask = {
      ...{ kind: 'pretrain', name: `pretrain-${name}-${seed}`, seed, spec },
      read: { ...pretrain!, spec: { ...pretrain!.spec, seed } },
    };
    pretrainings.set(key, task);
    return task;
  };

  const searches: SearchTask[] = [];
  for (let k = 0; k < sweep.searchSeeds; k++) {
    for (let s = 0; s < sweep.seeds; s++) {
      for (const variant of sweep.variants) {
        const pretrainSeed = sweep.seed + s;
        const seed = pretrainSeed + searchSeedStep * k;
        searches.push({
          ...{ kind: 'search', index: searches.length, variant, pretrainSeed, seed },
          name: `search-${variant.name}-${pretrainSeed}-${seed}`,
          spec: specWith(variant.search, seed),
          ...(variant.pretrain && { after: pretraining(variant, pretrainSeed) }),
        });
      }
    }
  }
  return { pretrainings: [...pretrainings.values()], searches };
}

const specWith = ({ spec }: ReadSpec, seed: number): Resolved => resolvedSpec({ ...spec, seed });

/** The loss that a variant is pretrained with; '' where it is not. */
export function lossOf({ pretrain }: Variant): string {
  const steps = pretrain?.spec.phases.flatMap((phase) => [...componentsOf(phase)]) ?? [];
  const loss = steps.find(({ name }) => name === 'lossStep')?.params.loss as Chosen | undefined;
  return loss ? nameOf(loss) : '';
}

/** The last loop of a variant's search: what its rows are of. */
export const searchOf = ({ search }: Variant) => roundsOf(search.spec.phases.at(-1)!)!.params;
