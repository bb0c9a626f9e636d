import { type Benchmark, type BenchmarkSpec, openBenchmark } from '../core/benchmark/index.js';
import type { EngineSpec, OpenedEngine } from '../core/engine/index.js';
import { type LossSpec, type OpenLoss, openLoss } from '../core/losses/index.js';
import { type Miner, type MinerSpec, openMiner } from '../core/miners/index.js';
import { parseParams } from '../core/params.js';
import { openReducer, type Reducer, type ReducerSpec } from '../core/reducers/index.js';
import { openSpace, type Space, type SpaceSpec } from '../core/space/index.js';
import { type Choice, readChoice } from '../core/spec/component.js';
import type { Registry } from '../core/spec/registry.js';

/** What a {@link Choice} of each kind opens to. */
export interface Opened {
  loss: OpenLoss;
  miner: Miner;
  reducer: Reducer;
  space: Space;
  benchmark: Promise<Benchmark>;
  engine: Promise<OpenedEngine>;
}

const open: { [K in keyof Opened]: (spec: never, params: Record<string, unknown>) => Opened[K] } = {
  loss: (spec: LossSpec, params) => openLoss(spec, params),
  miner: (spec: MinerSpec, params) => openMiner(spec, params),
  reducer: (spec: ReducerSpec, params) => openReducer(spec, params),
  space: (spec: SpaceSpec, params) => openSpace(spec, params),
  benchmark: (spec: BenchmarkSpec, params) => openBenchmark(spec, params),
  engine: async (spec: EngineSpec, params) =>
    spec.create(parseParams(`engine ${spec.name}`, spec.params, params)),
};

/** Opens what a spec names: a component of `registry` with its parameters. A usage error for an unknown name or a wrong parameter. */
export function openChoice<K extends keyof Opened>(registry: Registry, kind: K, choice: Choice): Opened[K] {
  const { name, params } = readChoice(choice);
  return open[kind](registry.find(kind, name) as never, params);
}
