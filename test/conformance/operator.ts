import { describe, it } from 'vitest';
import { operatorConformance as checks, type OperatorCase } from '../../src/testing/index.js';

/** The checks of `rxnas/testing` as tests of vitest. */
export function operatorConformance<T, R>(name: string, options: OperatorCase<T, R>) {
  describe(`${name} conforms`, () => {
    for (const check of checks(options)) it(check.name, check.run);
  });
}
