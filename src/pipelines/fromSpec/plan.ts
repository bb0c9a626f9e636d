import { usageError } from '../../core/errors.js';
import type { Space } from '../../core/space/index.js';
import { textOf } from '../../core/spec/problems.js';
import type { Chosen, ComponentStage, Spec, StageList } from '../../core/spec/spec.js';
import { batchesPerEpoch } from '../../operators/anchors.js';

/** What the stages of a list say about the training in it. */
export interface Plan {
  /** Training steps of one pass over the space; ∞ where the source is not `anchors`. */
  stepsPerEpoch: number;
  /** Training steps in all; ∞ where that is not known. */
  steps: number;
  /** Whether each batch of anchors becomes one training step, so that a resumed run can begin with any of them. */
  aligned: boolean;
  /** Rows of a training step and cells of a class; undefined where they are not known. */
  rows?: number;
  classSize?: number;
  loss?: Chosen;
  miner?: Chosen;
  /** w of eq. 2. */
  weight?: number;
}

/** The stage of that name in a list itself, not in its branches. */
export const stageOf = (list: StageList, name: string): ComponentStage | undefined =>
  list.stages.find((stage): stage is ComponentStage => stage.kind === 'component' && stage.name === name);

export function planOf(list: StageList, space: Space | undefined): Plan {
  const params = (name: string) => stageOf(list, name)?.params ?? {};
  const { classes, epochs, steps = Number.POSITIVE_INFINITY } = params('anchors') as Record<string, number>;
  const { samplesPerClass: classSize } = params('mutate') as Record<string, number>;
  const made = classes && classSize ? classes * classSize : undefined;
  const rows = (params('batch').rows as number | undefined) ?? made;
  const { loss, weight } = params('lossStep') as { loss?: Chosen; weight?: number };
  const { miner } = params('mine') as { miner?: Chosen };
  const figures = {
    ...(rows && { rows }),
    ...(classSize && { classSize }),
    ...(loss && { loss }),
    ...(miner && { miner }),
    ...(weight !== undefined && { weight }),
  };
  if (!space || !classes || !epochs || list.stages[0] !== stageOf(list, 'anchors')) {
    return {
      ...figures,
      stepsPerEpoch: Number.POSITIVE_INFINITY,
      steps: Number.POSITIVE_INFINITY,
      aligned: false,
    };
  }
  const batches = batchesPerEpoch(space, classes);
  const turn = list.stages.findIndex(
    (stage) => stage.kind === 'component' && stage.component.needs.includes('turn'),
  );
  const before = list.stages.slice(1, turn < 0 ? undefined : turn);
  const known = before.every(
    (stage) => stage.kind === 'component' && ['mutate', 'batch'].includes(stage.name),
  );
  const ratio = made && rows ? made / rows : 1;
  return {
    ...figures,
    stepsPerEpoch: Math.floor(batches * ratio),
    steps: Math.ceil(Math.min(steps, batches * epochs) * ratio),
    aligned: known && ratio === 1,
  };
}

/** Throws exit code 2 where a spec asks more of its space than there is. */
export function checkPlans({ phases }: Spec, space: Space | undefined): void {
  for (const phase of phases) {
    const anchors = stageOf(phase, 'anchors');
    const classes = anchors?.params.classes as number | undefined;
    if (!anchors || !classes || !space || classes <= space.size) continue;
    throw usageError(
      `${textOf(anchors.place)}: a batch needs ${classes} anchors, ${space.name} has ${space.size} cells`,
      'give batch fewer rows',
    );
  }
}
