import { concatMap, lastValueFrom, takeUntil } from 'rxjs';
import { Credit } from '../../core/backpressure.js';
import { isDetermined } from '../../core/batch/index.js';
import type { EngineName } from '../../core/engine/engine.js';
import { engineNames } from '../../core/engine/index.js';
import { type ExitCode, exitCode, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findRun, openRun, readManifest, scanLog } from '../../core/run/index.js';
import { unknownName } from '../../core/suggest.js';
import { type Verification, verifyRun } from '../../jobs/verify.js';
import { inTurn } from '../../operators/inTurn.js';
import { replay } from '../../operators/replay.js';
import type { Args, Command } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { type Output, thousands, writeLines } from '../output.js';
import { progressBoard } from '../progress.js';
import { linesOf } from '../rows.js';
import { runArgument } from '../shared.js';

export const replayCommand: Command = {
  usage: 'replay <run>',
  describe: 'Print the logged rows of a run, or compute it anew and compare (--verify)',
  positionals: runArgument.positionals,
  options: {
    ...runArgument.options,
    events: { type: 'string', array: true, describe: 'only these events; default: all' },
    speed: { type: 'number', describe: 'in logged time, so many times faster; default: at once' },
    verify: { type: 'boolean', default: false, describe: 'compute anew; stop at the first row that differs' },
    engine: {
      type: 'string',
      choices: engineNames,
      describe: 'with --verify: what computes; default: the recorded engine',
    },
    tolerance: {
      type: 'number',
      describe: 'with --verify: allowed |a − b| / max(1, |a|, |b|); default: 0, across engines 0.001',
    },
  },
  complete: runArgument.complete,
  examples: [
    ['rxnas replay latest --events step', 'a line a step'],
    ['rxnas replay runs/triplet --events query --json', 'a JSON document a line'],
    ['rxnas replay runs/triplet --speed 100', 'a hundred times faster than it was'],
    ['rxnas replay runs/triplet --verify', 'exit code 4 and the first difference where it diverges'],
  ],
  stopsSafely: true,
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    if (args.speed !== undefined && !(args.speed > 0)) {
      throw usageError(`--speed is ${args.speed}`, 'give a number above 0');
    }
    if (args.tolerance !== undefined && !(args.tolerance >= 0)) {
      throw usageError(
        `--tolerance is ${args.tolerance}`,
        'give 0 for equal bits, or a small number such as 0.001',
      );
    }
    for (const flag of ['engine', 'tolerance']) {
      if (args[flag] !== undefined && !args.verify) {
        throw usageError(`--${flag} is for --verify`, 'add --verify to compute the run anew');
      }
    }
    return args.verify ? verify(dir, args, output) : print(dir, args, output);
  },
};

async function print(dir: string, args: Args, output: Output): Promise<ExitCode> {
  const run = openRun(dir);
  const events: string[] | undefined = args.events;
  const known = [...new Set(scanLog(run.log).schemas.map(({ event }) => event))];
  for (const event of events ?? []) if (!known.includes(event)) throw unknownName('event', event, known);
  const credit = new Credit(1);
  let stopped = false;
  const rows = replay({
    run,
    credit,
    ...given({ events, speed: args.speed }),
    pace: args.speed === undefined ? 'full' : 'logged',
  });
  const subscription = interrupted$.subscribe(() => {
    stopped = true;
  });
  await lastValueFrom(
    rows.pipe(
      takeUntil(interrupted$),
      inTurn(
        { credit },
        concatMap(({ item }) => writeLines(linesOf(item, output.json))),
      ),
    ),
    { defaultValue: undefined },
  );
  subscription.unsubscribe();
  return stopped ? exitCode.interrupted : exitCode.ok;
}

async function verify(dir: string, args: Args, output: Output): Promise<ExitCode> {
  const { log } = readManifest(dir);
  const counts = Object.entries(log?.rows ?? {});
  const total = counts.reduce((sum, [event, rows]) => sum + (isDetermined(event) ? rows : 0), 0);
  const board = progressBoard(output);
  const bar = total > 0 ? board.add('verify', total, 'rows') : undefined;
  try {
    const result = await verifyRun(dir, {
      stop: interrupted$,
      onNote: output.note,
      onRows: (rows) => bar?.update(rows),
      ...given({ engine: args.engine as EngineName | undefined, tolerance: args.tolerance }),
    });
    board.stop();
    output.result({ dir, ...result }, () => verdict(dir, result));
    return { equal: exitCode.ok, diverged: exitCode.diverged, interrupted: exitCode.interrupted }[
      result.status
    ];
  } finally {
    board.stop();
  }
}

function verdict(dir: string, result: Verification): string[] {
  const { status, compared, engine, tolerance, largestDeviation, difference, changed } = result;
  const rows = Object.entries(compared).map(([event, count]) => `${thousands(count)} ${event}`);
  const counted = `${rows.join(', ') || 'no'} rows compared`;
  if (status === 'interrupted') return [`stopped; ${counted}, all equal so far`];
  if (!difference) {
    return [
      `${dir} computed anew with ${engine}: ${counted}, ${tolerance === 0 ? 'every bit equal' : `all within ${tolerance} (largest deviation ${largestDeviation.toExponential(1)})`}`,
    ];
  }
  const { stage, event, row, column, logged, computed } = difference;
  const text = (value: unknown) => (value === undefined ? 'nothing' : String(value));
  return [
    `${dir} diverges at stage ${stage}, row ${row} of '${event}'${column === undefined ? '' : `, column '${column}'`}:`,
    `  logged    ${text(logged)}`,
    `  computed  ${text(computed)}`,
    `${counted} before it${tolerance === 0 ? '' : `, within ${tolerance}`}`,
    ...changed.map((line) => `not the same as then: ${line}`),
  ];
}
