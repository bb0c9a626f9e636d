import { findNamed, parseParams } from '../params.js';
import { nasbench101Spec } from './nasbench101.js';
import { nasbench201Spec } from './nasbench201.js';
import type { Space, SpaceSpec } from './space.js';

export * from './space.js';

/** All search spaces, by name. */
export const spaces: readonly SpaceSpec[] = [nasbench101Spec, nasbench201Spec];

export const spaceNames: readonly string[] = spaces.map(({ name }) => name);

/**
 * A space by its name, or by its spec, and its parameters; a usage error for an unknown name or a wrong parameter. Its tables are built when
 * it is first asked for cells.
 */
export function openSpace(space: string | SpaceSpec, params: Record<string, unknown> = {}): Space {
  const spec = typeof space === 'string' ? findNamed('space', spaces, space) : space;
  return spec.create(parseParams(`space ${spec.name}`, spec.params, params));
}
