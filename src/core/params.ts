import type { output, ZodObject } from 'zod';
import { usageError } from './errors.js';
import { suggest, unknownName } from './suggest.js';

/** The member of a list that is called `name`; a usage error with "did you mean" where there is none. */
export function findNamed<S extends { name: string }>(kind: string, registry: readonly S[], name: string): S {
  const spec = registry.find((each) => each.name === name);
  if (!spec) {
    throw unknownName(
      kind,
      name,
      registry.map((each) => each.name),
    );
  }
  return spec;
}

/** Parameters checked against a schema, defaults filled in; a usage error that names the first wrong one. */
export function parseParams<P extends ZodObject>(owner: string, schema: P, given: unknown): output<P> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const known = Object.keys(schema.shape);
  const list = known.length > 0 ? `${owner} takes ${known.join(', ')}` : `${owner} takes no parameters`;
  if (issue.code === 'unrecognized_keys') {
    const near = suggest(issue.keys[0]!, known);
    throw usageError(
      `${owner} has no parameter '${issue.keys[0]}'`,
      near ? `did you mean '${near}'? ${list}` : list,
    );
  }
  const name = String(issue.path[0] ?? '');
  const shape = schema.shape[name] as { description?: string } | undefined;
  throw usageError(
    name ? `${owner}: parameter '${name}': ${issue.message}` : `${owner}: ${issue.message}`,
    shape?.description ? `${name}: ${shape.description}` : list,
  );
}
