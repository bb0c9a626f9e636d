import { exitCode } from '../../core/errors.js';
import { type ColumnTypes, componentKinds } from '../../core/spec/component.js';
import {
  type ComponentDescription,
  defaultText,
  describeComponent,
  describeStructure,
  structureNames,
} from '../../core/spec/describe.js';
import type { Registry } from '../../core/spec/registry.js';
import { unknownName } from '../../core/suggest.js';
import { builtIns } from '../../pipelines/builtIns.js';
import type { Command } from '../command.js';
import { componentsFor, useOption } from '../components.js';
import { table } from '../output.js';

export const describeCommand: Command = {
  usage: 'describe <name>',
  describe: 'Parameters, columns and an example of a component',
  positionals: { name: { type: 'string', demandOption: true, describe: 'name of the component' } },
  options: {
    kind: {
      type: 'string',
      choices: componentKinds,
      describe: 'where several kinds have that name: only this one',
    },
    ...useOption,
  },
  examples: [
    ['rxnas describe mutate', 'what it takes and gives, its parameters with units and ranges, an example'],
    [
      'rxnas describe TripletMargin --kind loss --json',
      'the same for programs: a list, as several kinds may share a name',
    ],
    ['rxnas describe nearFirst --use ./my-operator.ts', 'a component of your own'],
  ],
  complete: () => namesOf(builtIns),
  async run(args, output) {
    const registry = await componentsFor(args);
    const structure = structureNames.find((name) => name === args.name);
    const found = args.kind && !structure ? [registry.find(args.kind, args.name)] : registry.named(args.name);
    const descriptions = structure ? [describeStructure(structure)] : found.map(describeComponent);
    if (descriptions.length === 0) throw unknownName('component', args.name, namesOf(registry));
    output.result(descriptions, () =>
      descriptions.flatMap((each, i) => [...(i > 0 ? [''] : []), ...lines(each)]),
    );
    return exitCode.ok;
  },
};

const namesOf = (registry: Registry) => [
  ...new Set([...registry.list().map(({ name }) => name), ...structureNames]),
];

const columns = (types: ColumnTypes | 'from parameters') =>
  typeof types === 'string'
    ? `depends on the parameters`
    : Object.entries(types)
        .map(([name, type]) => `${name} ${type}`)
        .join(', ') || 'anything';

/** `batches: ` before their columns. */
const form = (items: string | undefined) => (items === undefined ? '' : `${items}: `);

function lines(description: ComponentDescription): string[] {
  const { kind, name, summary, stability, source, facts, params, example } = description;
  const { input, output, takes, gives, passes, needs } = description;
  const flowsOut = output && [
    ...(passes ? ['the columns that flow in'] : []),
    ...(passes && output !== 'from parameters' && Object.keys(output).length === 0 ? [] : [columns(output)]),
  ];
  const about: [string, string][] = [
    ...(source === undefined ? [] : [['source', source] as [string, string]]),
    ...Object.entries(facts),
    ...(input && kind !== 'source' ? [['takes', form(takes) + columns(input)] as [string, string]] : []),
    ...(flowsOut ? [['gives', form(gives) + flowsOut.join(', and ')] as [string, string]] : []),
    ...(needs && needs.length > 0
      ? [['needs', `${needs.join(', ')} (the pipeline hands them in)`] as [string, string]]
      : []),
  ];
  const width = Math.max(...about.map(([label]) => label.length));
  return [
    `${name}: ${kind}, ${stability}`,
    summary,
    ...(about.length > 0 ? [''] : []),
    ...about.map(([label, text]) => `${label.padEnd(width)}  ${text}`),
    '',
    ...(params.length === 0
      ? ['no parameters']
      : table(
          ['parameter', 'type', 'unit', 'default', 'range', 'what'],
          params.map((param) => [
            param.name,
            param.type,
            param.unit ?? '',
            defaultText(param),
            param.range ?? '',
            param.description,
          ]),
        )),
    '',
    'in a spec:',
    `  ${example}`,
  ];
}
