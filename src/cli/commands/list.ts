import { exitCode } from '../../core/errors.js';
import { type Component, componentKinds, isStage } from '../../core/spec/component.js';
import { unknownName } from '../../core/suggest.js';
import type { Command } from '../command.js';
import { componentsFor, useOption } from '../components.js';
import { table } from '../output.js';

/** What can be asked for: kinds, and all stages. */
export const listedKinds = ['stage', ...componentKinds] as const;

/** `losses` and `Loss` are `loss`. */
const singular = (kind: string) => kind.toLowerCase().replace(/(?<=ss|ch)es$|(?<!s)s$/, '');

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
    const isListed = (component: Component) =>
      kind === undefined || (kind === 'stage' ? isStage(component) : component.kind === kind);
    const components = (await componentsFor(args))
      .list()
      .filter(isListed)
      .sort((a, b) => componentKinds.indexOf(a.kind) - componentKinds.indexOf(b.kind))
      .map(({ kind, name, summary, stability = 'stable', source }) => ({
        kind,
        name,
        summary,
        stability,
        source,
      }));
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
