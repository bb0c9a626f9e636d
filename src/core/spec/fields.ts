import type { ZodObject, ZodType, z } from 'zod';
import { suggest } from '../suggest.js';
import { type ComponentKind, choiceKind, metaOf } from './component.js';
import { type MapNode, nodeOf, type Plain, placeAt, plainOf, type SpecNode } from './document.js';
import { type Environment, refersToEnvironment, withEnvironment } from './environment.js';
import type { Place, Problems } from './problems.js';
import type { Registry } from './registry.js';

/** What values are checked with. */
export interface Checking {
  readonly registry: Registry;
  readonly environment: Environment;
  readonly problems: Problems;
}

/**
 * The fields of a map checked against their schema, with defaults and environment variables filled in; choices of components become
 * `{ NAME: parameters }`, completed as well. What is wrong goes to `problems`; the result is then not to be used.
 * @param owner what the fields belong to, as messages name it
 */
export function checkFields(
  node: MapNode | undefined,
  schema: ZodObject,
  owner: string,
  place: Place,
  checking: Checking,
): Record<string, unknown> {
  const { problems } = checking;
  const known = Object.keys(schema.shape);
  const given: Record<string, Plain> = {};
  let filled: MapNode = node ?? (nodeOf({}, place) as MapNode);
  for (const [name, entry] of filled.entries) {
    if (!Object.hasOwn(schema.shape, name)) {
      const near = suggest(name, known);
      const list = known.length > 0 ? `${owner} takes ${known.join(', ')}` : `${owner} takes no parameters`;
      problems.add(
        entry.key,
        `${owner} has no field '${name}'`,
        near ? `did you mean '${near}'? ${list}` : list,
      );
      continue;
    }
    const param = schema.shape[name] as ZodType;
    const value = fromEnvironment(entry.node, param, `${owner}.${name}`, checking);
    filled = { ...filled, entries: new Map(filled.entries).set(name, { ...entry, node: value }) };
    given[name] = plainOf(value);
  }

  const before = problems.size;
  const parsed = schema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    report(issue, given, filled, schema, owner, problems);
  }
  if (!parsed.success || problems.size > before) return given;

  const complete: Record<string, unknown> = { ...parsed.data };
  for (const name of known) {
    const kind = choiceKind(schema.shape[name] as ZodType);
    if (!kind || complete[name] === undefined) continue;
    const at = filled.entries.get(name)?.node ?? nodeOf(complete[name], place);
    complete[name] = checkChoice(at, kind, `${owner}.${name}`, checking);
  }
  return complete;
}

/** A choice of a component, `NAME` or `{ NAME: parameters }`, as `{ NAME: completed parameters }`. */
export function checkChoice(
  node: SpecNode,
  kind: ComponentKind,
  owner: string,
  checking: Checking,
): Record<string, Record<string, unknown>> {
  const { registry, problems } = checking;
  const [[name, at, params] = ['', node.place, undefined]] =
    node.kind === 'map'
      ? [...node.entries].map(([key, entry]) => [key, entry.key, entry.node] as const)
      : [[String(plainOf(node)), node.place, undefined] as const];
  const component = registry.get(kind, name);
  if (!component) {
    const names = registry.names(kind);
    const near = suggest(name, names);
    problems.add(
      at,
      `${owner}: unknown ${kind} '${name}'`,
      near ? `did you mean '${near}'? Known: ${names.join(', ')}` : `known: ${names.join(', ')}`,
    );
    return { [name]: {} };
  }
  return { [name]: checkFields(paramsOf(params, name, problems), component.params, name, at, checking) };
}

/** The map of parameters behind a name; none where nothing stands there. */
export function paramsOf(node: SpecNode | undefined, owner: string, problems: Problems): MapNode | undefined {
  if (!node || (node.kind === 'scalar' && node.value === null)) return undefined;
  if (node.kind === 'map') return node;
  problems.add(
    node.place,
    `${owner}: ${JSON.stringify(plainOf(node))} is no map of parameters`,
    `write \`${owner}: { parameter: value }\`, or \`${owner}\` alone`,
  );
  return undefined;
}

function fromEnvironment(
  node: SpecNode,
  schema: ZodType,
  owner: string,
  { environment, problems }: Checking,
): SpecNode {
  if (metaOf(schema).env === true) {
    return withEnvironment(node, environment, problems, schema.safeParse('text').success);
  }
  // Stages are checked one by one, texts for people not at all.
  const isForPeople = owner.endsWith('.description');
  const text = isForPeople || metaOf(schema).env === 'ignored' ? undefined : firstReference(node);
  if (text) {
    problems.add(
      text.place,
      `${owner} takes no environment variable`,
      'they are filled in only where `rxnas describe` says so (seed, controller, benchmark, run and file names)',
    );
  }
  return node;
}

function firstReference(node: SpecNode): SpecNode | undefined {
  if (node.kind === 'scalar') {
    return typeof node.value === 'string' && refersToEnvironment(node.value) ? node : undefined;
  }
  const inner = node.kind === 'list' ? node.items : [...node.entries.values()].map(({ node }) => node);
  for (const each of inner) {
    const found = firstReference(each);
    if (found) return found;
  }
  return undefined;
}

/** A problem for what zod found. */
function report(
  issue: z.core.$ZodIssue,
  given: Plain,
  node: MapNode,
  schema: ZodObject,
  owner: string,
  problems: Problems,
): void {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      if (path.length === 0) continue; // said already, with what was meant
      problems.add(
        keyPlace(node, [...path, key]),
        `${[owner, ...path].join('.')} has no field '${key}'`,
        'see `rxnas describe`',
      );
    }
    return;
  }
  const field = path[0];
  const about = field === undefined ? undefined : metaOf(schema.shape[field] as ZodType).description;
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], given);
  if (value === undefined && field !== undefined) {
    problems.add(
      path.length > 1 ? placeAt(node, path.slice(0, -1)) : node.place,
      `${owner} needs '${path.join('.')}'`,
      about ? `${field}: ${String(about)}` : `give ${owner} the field ${path.join('.')}`,
    );
    return;
  }
  problems.add(
    placeAt(node, path),
    `${[owner, ...path].join('.')} is ${JSON.stringify(value)}: ${messageOf(issue)}`,
    about ? `${field}: ${String(about)}` : 'see `rxnas describe`',
  );
}

function keyPlace(node: MapNode, path: readonly string[]): Place {
  let at: SpecNode = node;
  for (const [i, key] of path.entries()) {
    const entry: { key: Place; node: SpecNode } | undefined =
      at.kind === 'map' ? at.entries.get(key) : undefined;
    if (i === path.length - 1 && entry) return entry.key;
    const next: SpecNode | undefined = at.kind === 'list' ? at.items[Number(key)] : entry?.node;
    if (!next) break;
    at = next;
  }
  return at.place;
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The one that came furthest.
    const nearest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0]!;
    if (nearest[0] && depth(nearest) > 0) return messageOf(nearest[0]);
    return `expected ${issue.errors.map((each) => expected(each[0])).join(' or ')}`;
  }
  return issue.message.replace(/^(Invalid input|Invalid option|Too small|Too big): /, '');
}

const depth = (issues: readonly z.core.$ZodIssue[]) => issues[0]?.path.length ?? 0;
const expected = (issue: z.core.$ZodIssue | undefined) =>
  issue?.code === 'invalid_type' ? issue.expected : (issue?.message ?? 'something else');
