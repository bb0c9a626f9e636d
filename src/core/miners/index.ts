import { findNamed, parseParams } from '../params.js';
import { angular } from './angular.js';
import { batchHard } from './batchHard.js';
import type { Miner, MinerSpec } from './miner.js';
import { multiSimilarity } from './multiSimilarity.js';
import { none } from './none.js';
import { tripletMargin } from './tripletMargin.js';

export { defineMiner, type Miner, type MinerSpec } from './miner.js';
export {
  BitTriplets,
  IntervalTriplets,
  type PairCounts,
  type PairList,
  Selection,
  spanEnd,
  spanFirst,
  type TripletList,
} from './selection.js';

/** All miners, by name. */
export const miners: readonly MinerSpec[] = [none, tripletMargin, angular, multiSimilarity, batchHard];

/** A miner by its name, or by its spec, and its parameters; a usage error for an unknown name or a wrong parameter. */
export function openMiner(miner: string | MinerSpec, params: Record<string, unknown> = {}): Miner {
  const spec = typeof miner === 'string' ? findNamed('miner', miners, miner) : miner;
  return spec.create(parseParams(`miner ${spec.name}`, spec.params, params));
}
