import { expect, it } from 'vitest';
import { openSpace, spaceNames } from '../../../src/core/space/index.js';

it('opens spaces by name', () => {
  for (const name of spaceNames) expect(openSpace(name).name).toBe(name);
});

it('says which space was meant', () => {
  expect(() => openSpace('nasbench102')).toThrow(/unknown space 'nasbench102'/);
  try {
    openSpace('nasbnech101');
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2, hint: expect.stringContaining("did you mean 'nasbench101'") });
  }
});
