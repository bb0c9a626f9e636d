import type { Options } from 'yargs';
import type { Registry } from '../core/spec/registry.js';
import { useComponents } from '../core/spec/use.js';
import { builtIns } from '../pipelines/builtIns.js';
import type { Args } from './command.js';

/** Option of commands that tell about components. */
export const useOption = {
  use: {
    type: 'string',
    array: true,
    describe: 'modules with components of your own as well, as in a spec’s `use:`',
  },
} as const satisfies Record<string, Options>;

/** The components that such a command knows. */
export const componentsFor = (args: Args): Promise<Registry> =>
  useComponents(builtIns, args.use ?? [], process.cwd());
