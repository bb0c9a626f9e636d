import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Options } from 'yargs';
import { engineNames } from '../core/engine/index.js';
import { findRun, listRuns } from '../core/run/index.js';
import { presetNames } from '../jobs/settings.js';
import type { Command } from './command.js';
import { natsFlags } from './natsFlags.js';
import { specOptions } from './specRun.js';

/** What computes the controller. */
export const engineOptions = {
  engine: {
    type: 'string',
    choices: ['auto', ...engineNames],
    default: 'auto',
    describe: 'what computes the controller; simd-relaxed: faster, with the bits of this machine',
  },
  threads: { type: 'number', describe: 'threads of the engine; default: its own choice' },
} as const satisfies Record<string, Options>;

/** Options of the commands that run a preset. */
export const runOptions: Record<string, Options> = {
  seed: { type: 'number', default: 1, describe: 'seed of all random streams' },
  ...engineOptions,
  ...specOptions,
};

/** Settings under a name; flags that are given stand above them. */
export const presetOption: Options = {
  type: 'string',
  choices: presetNames,
  default: 'default',
  describe: 'reference: as the paper’s own system, quirks included',
};

/** The server that work goes through. */
export const natsOption = {
  nats: {
    type: 'string',
    describe:
      'NATS server, nats://HOST:PORT or tls://…, without secrets; default: RXNAS_NATS_URL, else this machine',
  },
  ...natsFlags,
} as const satisfies Record<string, Options>;

/** Where runs are looked for by name. */
export const rootOption = {
  root: { type: 'string', default: 'runs', describe: 'folder of all runs' },
} as const satisfies Record<string, Options>;

/** Where a controller lies: a checkpoint by its file, a run by its folder or name. Throws as {@link findRun} does. */
export const runOrCheckpoint = (name: string, root: string): string =>
  statSync(name, { throwIfNoEntry: false })?.isFile() ? name : findRun(name, root);

/** Positional and options of a command about one run. */
export const runArgument: Required<Pick<Command, 'positionals' | 'options' | 'complete'>> = {
  complete: () => ['latest', ...listRuns(rootOption.root.default).map(({ dir }) => basename(dir))],
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'folder of the run, its name, or latest' },
  },
  options: rootOption,
};
