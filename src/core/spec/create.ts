import { parse, stringify } from 'yaml';
import type { ZodType } from 'zod';
import { usageError } from '../errors.js';
import { type Choice, choiceKind, metaOf, readChoice, type StageSpec } from './component.js';
import type { Registry } from './registry.js';

/** Schema that the editor completes and checks by. */
export const schemaLine = '# yaml-language-server: $schema=./spec.schema.json';

/** The stages that go without saying behind one, so that a short list of names becomes a whole pipeline. */
const before: Readonly<Record<string, readonly string[]>> = {
  mine: ['encode'],
  lossStep: ['encode', 'mine'],
};
const behind: Readonly<Record<string, readonly [string, Record<string, unknown>][]>> = {
  lossStep: [
    ['record', { event: 'step' }],
    ['checkpoint', {}],
  ],
  embedCells: [['record', { event: 'embedding' }]],
};

/** Short words for stages. */
const words: Readonly<Record<string, string>> = {
  loss: 'lossStep',
  embed: 'embedCells',
  lookup: 'benchmarkLookup',
};

/**
 * A spec to start from, with a comment on each parameter: `anchors/mutate,batch/mine,loss` names sources, operators and what comes last, all of
 * them in their order. Encoding, recording and checkpoints are put in where they belong. Throws exit code 2 for an unknown stage.
 */
export function createSpec(names: string, registry: Registry): string {
  const wanted = names
    .split(/[/,]/)
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => words[name] ?? name);
  if (wanted.length === 0) {
    throw usageError(
      'no stages are named',
      'name them in their order: rxnas create anchors/mutate,batch/mine,loss',
    );
  }
  const lines: string[] = [];
  const put = (name: string, given: Record<string, unknown> = {}) =>
    lines.push(...stageLines(registry.find('stage', name), given));
  const done = new Set<string>();
  for (const name of wanted) {
    for (const other of before[name] ?? []) {
      if (!done.has(other)) put(other);
      done.add(other);
    }
    put(name);
    done.add(name);
    for (const [other, given] of behind[name] ?? []) if (!wanted.includes(other)) put(other, given);
  }
  return [
    schemaLine,
    '# Run it with `rxnas run FILE`, check it with `rxnas lint FILE`; `rxnas describe STAGE` says more of a stage.',
    'seed: 1',
    'engine: auto # tfjs, simd, or { simd: { threads: 1 } }',
    'space: nasbench101',
    '',
    'pipeline:',
    ...lines,
    '',
  ].join('\n');
}

function stageLines(component: StageSpec, given: Record<string, unknown>): string[] {
  const params = Object.entries(component.params.shape) as [string, ZodType][];
  const example = readChoice(parse(component.example) as Choice).params ?? {};
  const lines = params.map(([name, schema]) => {
    const isRequired = !schema.safeParse(undefined).success;
    return paramLine(name, schema, given[name] ?? (isRequired ? example[name] : undefined));
  });
  const isSet = lines.some((line) => !line.trimStart().startsWith('#'));
  return [`  # ${component.summary}.`, `  - ${component.name}${isSet ? ':' : ''}`, ...lines];
}

/** A parameter with its default; commented out where it may be left out and has none. */
function paramLine(name: string, schema: ZodType, given: unknown): string {
  const { description = '', unit } = metaOf(schema) as { description?: string; unit?: string };
  const fallback = given ?? schema.safeParse(undefined).data;
  const value =
    fallback === undefined
      ? undefined
      : stringify(fallback, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  const about = `${description}${unit ? ` [${unit}]` : ''}${choiceKind(schema) ? `: rxnas list ${choiceKind(schema)}` : ''}`;
  return value === undefined ? `      # ${name}: … # ${about}` : `      ${name}: ${value} # ${about}`;
}
