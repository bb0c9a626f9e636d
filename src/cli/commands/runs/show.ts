import { exitCode } from '../../../core/errors.js';
import { checkpointFiles, findRun, openRun, runBytes, runState, scanLog } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { table, thousands } from '../../output.js';
import { runArgument } from '../../shared.js';
import { ageOf, figuresOf, sizeOf, specOf } from './figures.js';

export const showCommand: Command = {
  usage: 'show <run>',
  describe: 'What a run is, how it stands, and what its log holds',
  ...runArgument,
  examples: [
    ['rxnas runs show latest', 'the newest run'],
    ['rxnas runs show runs/triplet --json', 'manifest, rows by event, checkpoints'],
  ],
  async run(args, output) {
    const run = openRun(findRun(args.run, args.root));
    const { dir, manifest, holder } = run;
    const { position, torn } = scanLog(run.log);
    const status = runState(dir, manifest);
    const checkpoints = checkpointFiles(dir).length;
    const bytes = runBytes(dir);
    const data = { dir, status, manifest, rows: position.rows, checkpoints, bytes, holder, torn };
    output.result(data, () => [
      `${dir}: ${manifest.kind} ${figuresOf(dir, manifest).what}`,
      `status      ${status}${holder ? `, process ${holder.pid}` : ''}`,
      `made        ${manifest.created}, ${ageOf(manifest.created)} ago`,
      ...(manifest.engine ? [`engine      ${manifest.engine.name}, ${manifest.engine.threads} threads`] : []),
      `size        ${sizeOf(bytes)}, ${checkpoints} checkpoints`,
      ...(manifest.tags.length > 0 ? [`tags        ${manifest.tags.join(' ')}`] : []),
      ...(manifest.note === undefined ? [] : [`note        ${manifest.note}`]),
      ...(torn ? [`log         torn at byte ${torn.offset}: ${torn.reason}; resume cuts it off`] : []),
      '',
      ...table(
        ['event', 'rows'],
        Object.entries(position.rows).map(([event, rows]) => [event, thousands(rows)]),
      ),
      '',
      ...table(['figure', 'value'], pairs(manifest.summary ?? {})),
      '',
      ...table(['setting', 'value'], pairs(specOf(manifest))),
      ...(status === 'done' || status === 'running' ? [] : ['', `go on with: rxnas resume ${dir}`]),
    ]);
    return exitCode.ok;
  },
};

const pairs = (object: object) =>
  Object.entries(object).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
