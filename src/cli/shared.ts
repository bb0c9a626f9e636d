import type { Options } from 'yargs';

/** Options that all commands which write a run have. */
export const runOptions: Record<string, Options> = {
  seed: { type: 'number', default: 1, describe: 'seed of all random streams' },
  out: { type: 'string', describe: 'folder of the run; default: a new one in runs/' },
  resume: { type: 'string', describe: 'go on with this run; its own settings are used', conflicts: ['out'] },
  engine: {
    type: 'string',
    choices: ['auto', 'tfjs', 'simd'],
    default: 'auto',
    describe: 'what computes the controller',
  },
  threads: { type: 'number', describe: 'threads of the engine; default: its own choice' },
};
