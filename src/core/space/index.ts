import { unknownName } from '../suggest.js';
import { nasbench101 } from './nasbench101.js';
import { nasbench201 } from './nasbench201.js';
import type { Space } from './space.js';

export * from './space.js';

/** The search spaces by name; each builds its tables when first asked for cells. */
export const spaces: ReadonlyMap<string, Space> = new Map(
  [nasbench101, nasbench201].map((space) => [space.name, space]),
);

export const spaceNames: readonly string[] = [...spaces.keys()];

/** The space of that name; a usage error (exit code 2) where there is none. */
export function openSpace(name: string): Space {
  const space = spaces.get(name);
  if (!space) throw unknownName('space', name, spaceNames);
  return space;
}
