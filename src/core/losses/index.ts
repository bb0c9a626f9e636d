import type { EmbeddingBatch } from '../distances/index.js';
import type { Selection } from '../miners/index.js';
import { findNamed, parseParams } from '../params.js';
import { openReducer, type Reducer } from '../reducers/index.js';
import { angular } from './angular.js';
import { circle } from './circle.js';
import { contrastive } from './contrastive.js';
import { generalizedLiftedStructure } from './generalizedLiftedStructure.js';
import { liftedStructure } from './liftedStructure.js';
import { evaluate, type LossResult, type LossSpec } from './loss.js';
import { margin } from './margin.js';
import { multiSimilarity } from './multiSimilarity.js';
import { nca } from './nca.js';
import { noMetric } from './noMetric.js';
import { nPairs } from './nPairs.js';
import { ntXent } from './ntXent.js';
import { supCon } from './supCon.js';
import { tripletMargin } from './tripletMargin.js';
import { tupletMargin } from './tupletMargin.js';

export {
  defineLoss,
  type Experiment,
  type LossContext,
  type LossResult,
  type LossSpec,
  type MetricLoss,
  type TermResult,
} from './loss.js';

/** All losses, by name: the paper's ten, then more of the family. */
export const losses: readonly LossSpec[] = [
  tripletMargin,
  contrastive,
  margin,
  generalizedLiftedStructure,
  liftedStructure,
  multiSimilarity,
  nPairs,
  angular,
  tupletMargin,
  noMetric,
  ntXent,
  supCon,
  circle,
  nca,
];

/** A loss ready for use. */
export interface OpenLoss {
  readonly spec: LossSpec;
  /**
   * Value and gradient on a batch and a selection that a miner made from it (any miner). Keeps scratch arrays on the batch; allocates
   * the gradient only.
   */
  evaluate(batch: EmbeddingBatch, selection: Selection): LossResult;
  /** The same loss with another reducer. */
  reducedBy(reducer: Reducer): OpenLoss;
}

/** What is reduced how: a name, or a name with parameters. */
export type ReducerChoice = string | { name: string; [param: string]: unknown };

/** The spec of a loss; a usage error with "did you mean" for an unknown name. */
export const lossSpec = (name: string): LossSpec => findNamed('loss', losses, name);

/**
 * A loss by its name, or by its spec, and its parameters, with the reducer of its spec unless another one is given; a usage error for an
 * unknown name or a wrong parameter.
 */
export function openLoss(
  loss: string | LossSpec,
  params: Record<string, unknown> = {},
  reducer?: ReducerChoice,
): OpenLoss {
  const spec = typeof loss === 'string' ? lossSpec(loss) : loss;
  const bound = spec.create(parseParams(`loss ${spec.name}`, spec.params, params));
  const choice = reducer ?? spec.reducer;
  const { name: reducerName, ...reducerParams } = typeof choice === 'string' ? { name: choice } : choice;
  const reducedBy = (open: Reducer): OpenLoss => ({
    spec,
    evaluate: (batch, selection) => evaluate(bound, open, batch, selection),
    reducedBy,
  });
  return reducedBy(openReducer(reducerName, reducerParams));
}
