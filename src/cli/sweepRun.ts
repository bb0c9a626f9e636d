import { type ExitCode, exitCode } from '../core/errors.js';
import { given } from '../core/given.js';
import { readManifest } from '../core/run/index.js';
import { sweepOfRun, wantedSweep } from '../jobs/kinds.js';
import { resumeSweep, sweepJob } from '../jobs/sweep/job.js';
import { tasksOf } from '../jobs/sweep/tasks.js';
import type { Sweep } from '../pipelines/fromSpec/sweep.js';
import { type Args, wholeNumber } from './command.js';
import { interrupted$ } from './interrupt.js';
import { type Output, percent } from './output.js';
import { type ProgressBoard, progressBoard } from './progress.js';
import { again } from './specRun.js';
import { sweepMarkdown } from './sweepReport.js';

/** Runs a sweep, or goes on with it: what `sweep` and `search --searchers` do once they have it. */
export async function runSweep(read: () => Promise<Sweep>, args: Args, output: Output): Promise<ExitCode> {
  if (args.workers !== undefined) wholeNumber('workers', args.workers, 1, 256);
  let wanted: Promise<Sweep> | undefined;
  const once = () => {
    wanted ??= read();
    return wanted;
  };
  const before = await again(async () => wantedSweep(await once()), args, output);
  if ('code' in before) return before.code;
  const { resume } = before;
  const sweep = await (resume === undefined ? once() : sweepOfRun(readManifest(resume)));
  const board = progressBoard(output);
  const options = {
    ...given({
      out: args.out,
      tags: args.tag,
      note: args.note,
      workers: args.workers,
      reuse: args.reuse,
      on: args.on,
    }),
    stop: interrupted$,
    onNote: output.note,
    ...sweepProgress(board, sweep),
  };
  try {
    const result = await (resume === undefined ? sweepJob(sweep, options) : resumeSweep(resume, options));
    board.stop();
    const { dir, status } = result;
    output.result(result, () => [
      ...sweepMarkdown({ ...result, published: sweep.published?.source }),
      '',
      `run: ${dir}`,
      status === 'done'
        ? `next: rxnas export results --run ${dir} --format csv`
        : `stopped; go on with: rxnas resume ${dir}`,
    ]);
    return status === 'done' ? exitCode.ok : exitCode.interrupted;
  } finally {
    board.stop();
  }
}

/** A line for the pretrainings, one for the searches. */
function sweepProgress(board: ProgressBoard, sweep: Sweep) {
  const { pretrainings, searches } = tasksOf(sweep);
  const pretrain =
    pretrainings.length > 0 ? board.add('pretrain', pretrainings.length, 'pretrainings') : undefined;
  const search = board.add('search', searches.length, 'searches');
  let [pretrained, searched] = [0, 0];
  return {
    onPretrained: (name: string) => pretrain?.update(++pretrained, name.replace(/^pretrain-/, '')),
    onRow: ({ variant, test }: { variant: string; test: number }) =>
      search.update(++searched, `${variant} ${percent(test)}`),
  };
}
