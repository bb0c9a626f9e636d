import type { Identity, Protocol } from '../search/pool.js';
import type { Needing, Resource, StageSpec } from './component.js';
import type { SpecTest, Structure } from './grammar.js';
import type { Place } from './problems.js';
import type { Registry } from './registry.js';

/** A component and its completed parameters: `{ TripletMargin: { margin: 0.05 } }`. */
export type Chosen = Record<string, Record<string, unknown>>;

/** Stages in their order: a phase, a branch, or a part of a round. */
export interface StageList {
  readonly name: string;
  readonly place: Place;
  readonly stages: readonly Stage[];
}

export interface ComponentStage {
  readonly kind: 'component';
  readonly name: string;
  readonly place: Place;
  readonly component: StageSpec;
  /** Completed, choices as {@link Chosen}. */
  readonly params: Record<string, unknown>;
  /** Where its parameters stand, of those that are given. */
  readonly places: Readonly<Record<string, Place>>;
}

export interface BranchingStage {
  readonly kind: Exclude<Structure, 'rounds'>;
  readonly name: string;
  readonly place: Place;
  readonly branches: readonly StageList[];
}

export interface RoundsStage {
  readonly kind: 'rounds';
  readonly name: 'rounds';
  readonly place: Place;
  readonly params: {
    most?: number;
    patience: number;
    searcher: Chosen;
    identity: Identity;
    protocol: Protocol;
    targetFloor: number;
  };
  readonly each: readonly StageList[];
}

export type Stage = ComponentStage | BranchingStage | RoundsStage;

/** A spec that was checked and completed: everything that a run of it depends on. */
export interface Spec {
  readonly name: string;
  readonly seed: number;
  /** Where a stage needs the controller. */
  readonly engine?: Chosen;
  /** Absent where it is the benchmark's, or no stage needs one. */
  readonly space?: Chosen;
  readonly benchmark?: Chosen;
  /** Run or checkpoint that the controller's weights are taken from. */
  readonly controller?: string;
  /** Where its benchmark trains (`Executors`); the rows do not depend on it. */
  readonly executor?: string;
  /** Modules with components of its own. */
  readonly use: readonly string[];
  readonly phases: readonly StageList[];
  readonly tests: readonly SpecTest[];
}

/** All stages of a list and of the lists inside it, in their order. */
export function* stagesOf(list: StageList): Generator<Stage> {
  for (const stage of list.stages) {
    yield stage;
    for (const inner of listsOf(stage)) yield* stagesOf(inner);
  }
}

/** The lists of stages inside a stage. */
export const listsOf = (stage: Stage): readonly StageList[] =>
  stage.kind === 'component' ? [] : stage.kind === 'rounds' ? stage.each : stage.branches;

/** The stages of components in a list and the lists inside it. */
export function* componentsOf(list: StageList): Generator<ComponentStage> {
  for (const stage of stagesOf(list)) if (stage.kind === 'component') yield stage;
}

/** The name of a {@link Chosen}. */
export const nameOf = (chosen: Chosen): string => Object.keys(chosen)[0]!;

/** What the stages of these lists, and the searchers of their rounds, need. */
export function needsOf(lists: readonly StageList[], registry: Registry): ReadonlySet<Resource> {
  const needs = new Set<Resource>();
  const add = ({ needs: own }: Needing) => {
    for (const each of own) needs.add(each);
  };
  for (const list of lists) {
    for (const stage of stagesOf(list)) {
      if (stage.kind === 'component') add(stage.component);
      else if (stage.kind === 'rounds')
        add(registry.find('searcher', nameOf(stage.params.searcher)) as Needing);
    }
  }
  return needs;
}
