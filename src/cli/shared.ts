import { basename } from 'node:path';
import type { Options } from 'yargs';
import { engineNames } from '../core/engine/index.js';
import { type ExitCode, exitCode, usageError } from '../core/errors.js';
import { listRuns, readManifest } from '../core/run/index.js';
import { type JobKind, standing } from '../jobs/kinds.js';
import { presetNames } from '../jobs/presets.js';
import type { Args, Command } from './command.js';
import type { Output } from './output.js';

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

/** Options that all commands which write a run have. */
export const runOptions: Record<string, Options> = {
  seed: { type: 'number', default: 1, describe: 'seed of all random streams' },
  out: { type: 'string', describe: 'folder of the run; default: a new one in runs/' },
  resume: {
    type: 'string',
    requiresArg: false,
    describe: 'go on with this run, or without a value with the one in --out; its own settings are used',
  },
  ...engineOptions,
  tag: { type: 'string', array: true, describe: 'tag of the run; several: --tag a --tag b' },
  note: { type: 'string', describe: 'a remark about the run' },
};

/** Settings under a name; flags that are given stand above them. */
export const presetOption: Options = {
  type: 'string',
  choices: presetNames,
  default: 'default',
  describe: 'reference: as the paper’s own system, quirks included',
};

/** Where runs are looked for by name. */
export const rootOption = {
  root: { type: 'string', default: 'runs', describe: 'folder of all runs' },
} as const satisfies Record<string, Options>;

/** Positional and options of a command about one run. */
export const runArgument: Required<Pick<Command, 'positionals' | 'options' | 'complete'>> = {
  complete: () => ['latest', ...listRuns(rootOption.root.default).map(({ dir }) => basename(dir))],
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'folder of the run, its name, or latest' },
  },
  options: rootOption,
};

/**
 * What the same command, given again, is to do: go on with the run in `--out`, or say that it is done. Throws exit code 2
 * where a run of other settings is there.
 */
export function again(
  args: Args,
  output: Output,
  kind: JobKind['name'],
  settings: () => Record<string, unknown>,
): { resume?: string } | { code: ExitCode } {
  if (args.resume !== undefined) {
    const run = args.resume || args.out;
    if (!run) throw usageError('--resume does not say which run', 'give its folder: --resume RUN');
    if (args.out !== undefined && args.out !== run) {
      throw usageError(`--resume ${run} and --out ${args.out} are two folders`, 'give one of them');
    }
    return { resume: run };
  }
  if (args.out === undefined) return {};
  const found = standing(args.out, kind, settings);
  if (found === 'new') return {};
  if (found === 'stopped') {
    output.note(`${args.out} holds a run of these settings that was stopped; going on with it`);
    return { resume: args.out };
  }
  const { summary = {} } = readManifest(args.out);
  output.result(
    { dir: args.out, status: 'done', ...summary },
    () => `the run in ${args.out} is done already`,
  );
  return { code: exitCode.ok };
}
