import { benchEngines } from '../../core/engine/bench.js';
import { diagnose } from '../../core/engine/doctor.js';
import { exitCode, usageError } from '../../core/errors.js';
import type { Command } from '../command.js';

export const doctorCommand: Command = {
  usage: 'doctor',
  describe: 'Say which engine computes here, and what is missing',
  options: {
    bench: {
      type: 'boolean',
      default: false,
      describe: 'also time every engine that loads, and say which is faster here',
    },
    seconds: { type: 'number', default: 7, describe: 'how long the timing takes' },
  },
  examples: [
    ['rxnas doctor', 'engine, versions, threads; what is missing and how to get it'],
    ['rxnas doctor --bench', 'the same, and milliseconds of a step on each engine'],
    ['rxnas doctor --json', 'the same as the first for programs'],
  ],
  async run({ bench, seconds }, output) {
    if (!(seconds >= 0 && seconds <= 3600)) {
      throw usageError(`--seconds is ${seconds}`, 'give a number from 0 to 3600');
    }
    const diagnosis = await diagnose();
    if (!bench) {
      output.result(diagnosis, () => diagnosis.lines);
      return exitCode.ok;
    }
    const times = await benchEngines(seconds);
    output.result({ ...diagnosis, bench: times }, () => [...diagnosis.lines, ...times.lines]);
    return exitCode.ok;
  },
};
