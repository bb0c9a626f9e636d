import { describe, it } from 'vitest';
import { spaces } from '../../../src/core/space/index.js';
import { spaceConformance } from '../../../src/testing/index.js';

describe.each(spaces.map((spec) => [spec.name, spec] as const))('%s', (_, spec) => {
  for (const { name, run } of spaceConformance(spec)) it(name, run);
});
