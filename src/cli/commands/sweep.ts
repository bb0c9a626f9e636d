import { type ExitCode, exitCode } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { readManifest } from '../../core/run/index.js';
import { wantedSweep } from '../../jobs/kinds.js';
import { sweepSettingsWith } from '../../jobs/settings.js';
import { resumeSweep, type SweepResult, type SweepRow, sweepJob } from '../../jobs/sweep.js';
import { resolveSweep } from '../../jobs/sweepSettings.js';
import { type Args, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { type Output, percent, table } from '../output.js';
import { type ProgressBoard, progressBoard } from '../progress.js';
import { again } from '../specRun.js';

/** `rxnas search --searchers …`: searchers side by side, compared. */
export async function sweep(
  args: Args,
  output: Output,
  flags: Record<string, unknown> = {},
): Promise<ExitCode> {
  if (args.workers !== undefined) wholeNumber('workers', args.workers, 1, 256);
  const settings = await sweepSettingsWith(flags);
  const before = await again(async () => wantedSweep(settings), args, output);
  if ('code' in before) return before.code;
  const { resume } = before;
  const { searchers, seeds } = resolveSweep(
    resume ? (readManifest(resume).spec as Record<string, unknown>) : settings,
  );
  const board = progressBoard(output);
  const options = {
    ...given({ out: args.out, tags: args.tag, note: args.note, workers: args.workers }),
    stop: interrupted$,
    onNote: output.note,
    onRow: sweepProgress(board, searchers, seeds),
  };
  try {
    const result = resume ? await resumeSweep(resume, options) : await sweepJob(settings, options);
    board.stop();
    return report(result, output);
  } finally {
    board.stop();
  }
}

/** A line for each searcher: searches that are finished, and the mean of what they found. */
function sweepProgress(board: ProgressBoard, searchers: readonly string[], seeds: number) {
  const lines = new Map(
    searchers.map((label) => [label, { bar: board.add(label, seeds, 'searches'), done: 0, sum: 0 }]),
  );
  return ({ label, last }: SweepRow) => {
    const line = lines.get(label)!;
    line.done++;
    line.sum += last?.best_test ?? Number.NaN;
    line.bar.update(line.done, `mean ${percent(line.sum / line.done)}`);
  };
}

function report(result: SweepResult, output: Output): ExitCode {
  const { dir, status, protocol, searchers, baseline } = result;
  output.result(result, () => [
    ...table(
      ['searcher', 'searches', 'queries', 'test %', '95 %', 'validation %', 'regret %', 'rank', 'p'],
      searchers.map(({ searcher, seeds, queries, test, validation, regret, rank, p }) => [
        searcher,
        seeds,
        queries.toFixed(0),
        figure(test.mean, 3),
        `${figure(test.low, 3)} – ${figure(test.high, 3)}`,
        figure(validation, 3),
        figure(regret, 3),
        rank || '–',
        p === undefined ? '–' : p < 0.0001 ? '<0.0001' : p.toFixed(4),
      ]),
    ),
    '',
    `Protocol ${protocol}: test accuracy of the best cell by ${protocol === 'V' ? 'validation' : 'test (an oracle)'}; mean over seeds, bootstrap interval; median rank.`,
    baseline
      ? `p: Mann–Whitney test against the best baseline, ${baseline}, corrected for several tests (Holm).`
      : 'No test, as none of the baselines (random, evolution, local) took part.',
    `run: ${dir}`,
    status === 'done'
      ? `next: rxnas export results --run ${dir} --format csv`
      : `stopped; go on with: rxnas resume ${dir}`,
  ]);
  return status === 'done' ? exitCode.ok : exitCode.interrupted;
}

const figure = (fraction: number, digits: number) =>
  Number.isNaN(fraction) ? '–' : (100 * fraction).toFixed(digits);
