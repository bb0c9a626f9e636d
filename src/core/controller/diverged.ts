import { exitCode, RxnasError } from '../errors.js';
import type { Weights } from './config.js';
import { firstNonFinite } from './weights.js';

/** Training came to a number that is not finite; exit code 1. Names where, what, and the first parameter that is spoilt. */
export class TrainingDiverged extends RxnasError {
  constructor(where: string, what: string, weights: Weights) {
    const tensor = firstNonFinite(weights);
    super(
      `training diverged at ${where}: the ${what} is not finite${tensor ? `, the first spoilt tensor is ${tensor}` : ''}`,
      'run again with a smaller --learning-rate, or with --clip-norm where there is one',
      exitCode.failure,
    );
  }
}
