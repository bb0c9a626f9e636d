/**
 * What components of your own are tested with: each gives checks, for whatever test framework (`it(name, run)` of vitest, `test(name, run)` of
 * node:test). The components of rxnas pass them too.
 */
export { type Check, descriptionCheck } from './check.js';
export { type LossCase, lossConformance } from './loss.js';
export { type OperatorCase, operatorConformance } from './operator.js';
export { type SpaceCase, spaceConformance } from './space.js';
