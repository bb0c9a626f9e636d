import { exitCode } from '../../core/errors.js';
import { type Component, componentKinds, isStage } from '../../core/spec/component.js';
import { describeComponent, describeStructure, structureNames } from '../../core/spec/describe.js';
import { unknownName } from '../../core/suggest.js';
import type { Command } from '../command.js';
import { componentsFor, useOption } from '../components.js';
import { table } from '../output.js';

/** What can be asked for: kinds, and all stages. */
export const listedKinds = ['stage', ...componentKinds] as const;

/** `losses` and `Loss` are `loss`. */
const singular = (kind: string) => kind.toLowerCase().replace(/(?<=ss|ch)es$|(?<!s)s$/, '');

const order = (kind: string) => (componentKinds as readonly string[]).indexOf(kind);

export const listCommand: Command = {
  usage: 'list [kind]',
  describe: 'What specs can be made of: sources, operators, losses, spaces, …',
  positionals: { kind: { type: 'string', describe: `only these: ${listedKinds.join(', ')}` } },
  options: useOption,
  examples: [
    ['rxnas list', 'all components'],
    ['rxnas list loss --json', 'name, summary, stability and source of each loss'],
    ['rxnas list operator --use ./my-operator.ts', 'with those of your own'],
  ],
  complete: () => listedKinds,
  async run(args, output) {
    const kind = args.kind === undefined ? undefined : singular(args.kind);
    if (kind !== undefined && !(listedKinds as readonly string[]).includes(kind)) {
      throw unknownName('kind', args.kind, listedKinds);
    }
    const isListed = (each: { kind: string }) =>
      kind === undefined || (kind === 'stage' ? isStage(each as Component) : each.kind === kind);
    const registry = await componentsFor(args);
    const components = [...registry.list().map(describeComponent), ...structureNames.map(describeStructure)]
      .filter(isListed)
      .sort((a, b) => order(a.kind) - order(b.kind))
      .map(({ kind, name, summary, stability, source }) => ({ kind, name, summary, stability, source }));
    output.result(components, () =>
      table(
        ['kind', 'name', 'stability', 'what'],
        components.map(({ kind, name, stability, summary }) => [kind, name, stability, summary]),
      ),
    );
    if (!output.json) output.note('more about one: rxnas describe NAME');
    return exitCode.ok;
  },
};
