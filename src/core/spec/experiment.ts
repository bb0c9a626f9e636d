import type { Experiment } from '../losses/index.js';
import { type Choice, readChoice } from './component.js';
import type { Checking } from './fields.js';
import { type Chosen, type ComponentStage, nameOf, type Stage, type StageList } from './spec.js';

const defaultRows = 512;
const defaultClasses = 64;

/**
 * A phase with what it leaves open filled in: miner, weight, learning rate and batch from the experiment of its loss (REFERENCE §5), the
 * anchors of a batch from its rows and the cells of a class.
 */
export function fillExperiment(list: StageList, checking: Checking): StageList {
  const { registry, problems } = checking;
  const find = (name: string) =>
    list.stages.find((stage): stage is ComponentStage => stage.kind === 'component' && stage.name === name);
  const loss = find('lossStep')?.params.loss as Chosen | undefined;
  const component = loss && registry.get('loss', nameOf(loss));
  const experiment = (component as { experiment?: Experiment } | undefined)?.experiment;
  const batch = find('batch');
  const samples = find('mutate')?.params.samplesPerClass as number | undefined;
  const rows = (batch?.params.rows as number | undefined) ?? experiment?.batch ?? defaultRows;

  const classes = () => {
    if (!batch || samples === undefined) return defaultClasses;
    const [place, fit] = [
      batch.places.rows ?? batch.place,
      Math.max(2, Math.round(rows / samples)) * samples,
    ];
    if (rows % samples !== 0) {
      problems.add(
        place,
        `batch.rows is ${rows}: that is not whole classes of ${samples}`,
        `give a multiple of mutate.samplesPerClass, for example ${fit}, or anchors.classes`,
      );
    } else if (rows / samples < 2) {
      problems.add(
        place,
        `batch.rows is ${rows}: that is one class of ${samples}, without a second one there are no negatives`,
        `give at least ${2 * samples}`,
      );
    }
    return Math.max(2, Math.floor(rows / samples));
  };
  const miner = (): Chosen | undefined => {
    if (!experiment) return undefined;
    const { name, params } = readChoice({ [experiment.miner.name]: experiment.miner.params } as Choice);
    return { [name]: registry.find('miner', name).params.parse(params) };
  };
  const open: Record<string, () => Record<string, unknown>> = {
    anchors: () => ({ classes: classes() }),
    batch: () => ({ rows }),
    mine: () => ({ miner: miner() }),
    lossStep: () => ({ weight: experiment?.weight, learningRate: experiment?.learningRate }),
  };

  const fill = (stage: Stage): Stage => {
    if (stage.kind === 'rounds') {
      return { ...stage, each: stage.each.map((part) => fillExperiment(part, checking)) };
    }
    if (stage.kind !== 'component') {
      return { ...stage, branches: stage.branches.map((branch) => fillExperiment(branch, checking)) };
    }
    const params = { ...stage.params };
    const missing = Object.keys(stage.component.params.shape).filter((name) => params[name] === undefined);
    if (missing.length === 0 || !open[stage.name]) return stage;
    const filled = open[stage.name]!();
    for (const name of missing) if (filled[name] !== undefined) params[name] = filled[name];
    return { ...stage, params };
  };
  return { ...list, stages: list.stages.map(fill) };
}
