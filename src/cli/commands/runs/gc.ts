import { exitCode } from '../../../core/errors.js';
import { collectGarbage } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { rootOption } from '../../shared.js';
import { sizeOf } from './figures.js';

export const gcCommand: Command = {
  usage: 'gc',
  describe:
    'Remove what no run needs: half-written files, folders that never became a run, older checkpoints of finished runs',
  options: {
    ...rootOption,
    'dry-run': { type: 'boolean', default: false, describe: 'only say what would be removed' },
  },
  examples: [
    ['rxnas runs gc --dry-run', 'what it would free'],
    ['rxnas runs gc', 'runs that a process writes, and what a resume needs, are left alone'],
  ],
  async run(args, output) {
    const { files, bytes, skipped } = collectGarbage(args.root, { dryRun: args.dryRun });
    for (const line of skipped) output.note(`left alone: ${line}`);
    output.result({ files, bytes, dryRun: args.dryRun }, () => [
      ...(args.dryRun ? files : []),
      `${files.length} files and folders, ${sizeOf(bytes)}${args.dryRun ? ' could be removed' : ' removed'}`,
    ]);
    return exitCode.ok;
  },
};
