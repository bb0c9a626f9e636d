import { parse } from 'yaml';
import type { SpecNode } from './document.js';
import type { Problems } from './problems.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g;

/** Whether a text refers to an environment variable. */
export const refersToEnvironment = (text: string): boolean => text.search(reference) >= 0;

/**
 * A tree with `${NAME}` and `${NAME:-default}` filled in, in all of its texts. A text that is nothing but one variable is read as YAML
 * (`${SEED}` is a number) unless `asText`. A variable that is not set is a problem.
 */
export function withEnvironment(
  node: SpecNode,
  environment: Environment,
  problems: Problems,
  asText: boolean,
): SpecNode {
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item) => withEnvironment(item, environment, problems, asText)) };
  }
  if (node.kind === 'map') {
    const entries = [...node.entries].map(
      ([name, entry]) =>
        [name, { ...entry, node: withEnvironment(entry.node, environment, problems, asText) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  }
  if (typeof node.value !== 'string' || !refersToEnvironment(node.value)) return node;
  const value = node.value.replaceAll(reference, (_, name: string, otherwise?: string) => {
    const found = environment[name] || otherwise;
    if (found === undefined) {
      problems.add(
        node.place,
        `the environment variable ${name} is not set`,
        `set it, or give a default: \${${name}:-value}`,
      );
    }
    return found ?? '';
  });
  return { ...node, value: asText ? value : scalar(value) };
}

function scalar(text: string): string | number | boolean | null {
  const value: unknown = parse(text, { logLevel: 'error', strict: false });
  return typeof value === 'number' || typeof value === 'boolean' ? value : text;
}
