export { z } from 'zod';
export { type BufferPolicy, Credit } from './backpressure.js';
export * from './batch/index.js';
export * from './benchmark/index.js';
export { type ControllerConfig, nasbench101Controller, type Weights } from './controller/config.js';
export { initialWeights, parameterCount, parameterShapes } from './controller/weights.js';
export {
  type Distance,
  type DistanceSpec,
  distances,
  EmbeddingBatch,
  openDistance,
} from './distances/index.js';
export { type Diagnosis, diagnose } from './engine/doctor.js';
export type * from './engine/engine.js';
export { type EngineSpec, engineNames, engines, type OpenedEngine, openEngine } from './engine/index.js';
export { type ExitCode, exitCode, RxnasError } from './errors.js';
export {
  defineLoss,
  type Experiment,
  type LossContext,
  type LossResult,
  type LossSpec,
  losses,
  lossSpec,
  type MetricLoss,
  type OpenLoss,
  openLoss,
} from './losses/index.js';
export { type StageCounts, StageMeters } from './meter.js';
export { defineMiner, type Miner, type MinerSpec, miners, openMiner, Selection } from './miners/index.js';
export { Random, stream } from './random/random.js';
export { defineReducer, openReducer, type Reducer, type ReducerSpec, reducers } from './reducers/index.js';
export * from './run/index.js';
export { Scope } from './scope.js';
export { type Identity, Pool, type PoolOptions, type Proposal, type QueryRow } from './search/pool.js';
export * from './space/index.js';
export { columnsOf, eventColumns } from './spec/columns.js';
export * from './spec/component.js';
export { componentsOf } from './spec/componentsOf.js';
export { defineOperator, type OperatorSpec } from './spec/defineOperator.js';
export { Registry } from './spec/registry.js';
export { useComponents } from './spec/use.js';
export { version } from './version.js';
export { type Executor, GivenUp } from './work/executor.js';
