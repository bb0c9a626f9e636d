import { diagnose } from '../../core/engine/doctor.js';
import { exitCode } from '../../core/errors.js';
import type { Command } from '../command.js';

export const doctorCommand: Command = {
  usage: 'doctor',
  describe: 'Say which engine computes here, and what is missing',
  examples: [
    ['rxnas doctor', 'engine, versions, threads; what is missing and how to get it'],
    ['rxnas doctor --json', 'the same for programs'],
  ],
  async run(_args, output) {
    const diagnosis = await diagnose();
    output.result(diagnosis, () => diagnosis.lines);
    return exitCode.ok;
  },
};
