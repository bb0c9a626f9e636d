import { benchmarks } from '../core/benchmark/index.js';
import { distances } from '../core/distances/index.js';
import { engines } from '../core/engine/index.js';
import { losses } from '../core/losses/index.js';
import { miners } from '../core/miners/index.js';
import { reducers } from '../core/reducers/index.js';
import { spaces } from '../core/space/index.js';
import { componentsOf } from '../core/spec/componentsOf.js';
import { Registry } from '../core/spec/registry.js';
import * as operators from '../operators/index.js';
import { searchers } from './searchers/index.js';

/** All components that come with rxnas: whatever stands in the `index.ts` of its folder. */
export const builtIns = new Registry([
  ...componentsOf(operators),
  ...losses,
  ...miners,
  ...reducers,
  ...distances,
  ...spaces,
  ...benchmarks,
  ...searchers,
  ...engines,
]);
