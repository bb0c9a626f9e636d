import { textOf } from '../core/spec/problems.js';
import { componentsOf, type RoundsStage, type StageList } from '../core/spec/spec.js';

/** The search of a phase, where it is one. */
export const roundsOf = ({ stages: [first] }: StageList): RoundsStage | undefined =>
  first?.kind === 'rounds' ? first : undefined;

const firstTurn = ({ stages }: StageList) =>
  stages.findIndex((stage) => stage.kind === 'component' && stage.component.needs.includes('turn'));

/** Whether a phase works with the controller batch by batch, and so may change its weights. */
export const trains = (phase: StageList): boolean => firstTurn(phase) >= 0;

/**
 * Why a phase cannot be gone on with from its middle: the stage that keeps from batch to batch what no checkpoint holds. Stages before the
 * training are computed again up to the checkpoint; those of a search begin anew with each round. A phase that makes no checkpoints begins anew.
 */
export function obstacle(phase: StageList): string | undefined {
  const isSearch = roundsOf(phase) !== undefined;
  const from = isSearch ? 0 : firstTurn(phase);
  if (from < 0) return undefined;
  for (const { component, name, place } of componentsOf({ ...phase, stages: phase.stages.slice(from) })) {
    const keeps = isSearch ? component.kind === 'sink' : component.kind !== 'source';
    if (keeps && !component.resumes) {
      return `${textOf(place)}: ${name} keeps what no checkpoint holds`;
    }
  }
  return undefined;
}
