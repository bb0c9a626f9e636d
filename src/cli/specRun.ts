import type { Options } from 'yargs';
import { type ExitCode, exitCode, usageError } from '../core/errors.js';
import { given } from '../core/given.js';
import { readManifest } from '../core/run/index.js';
import { parseOverride } from '../core/spec/override.js';
import { resolvedSpec, specHash, specYaml } from '../core/spec/resolved.js';
import { executorWord } from '../core/work/executors.js';
import { specOfRun, standing, type Wanted, wantedSpec } from '../jobs/kinds.js';
import {
  amountsOf,
  type PhaseAmount,
  resumeSpec,
  type SpecResult,
  type SpecRow,
  specJob,
} from '../jobs/specJob.js';
import { type ReadSpec, spaceOf } from '../pipelines/fromSpec/index.js';
import type { Args } from './command.js';
import { interrupted$ } from './interrupt.js';
import { natsFlags } from './natsFlags.js';
import { type Output, percent, thousands } from './output.js';
import { type Progress, type ProgressBoard, progressBoard } from './progress.js';
import { stageTable } from './stageTable.js';

/** Options of all commands that run a spec. */
export const specOptions: Record<string, Options> = {
  set: {
    type: 'string',
    array: true,
    describe:
      'any field of any stage, e.g. --set batch.rows=256; several: --set … --set …; null takes it away',
  },
  'dry-run': {
    type: 'boolean',
    default: false,
    describe: 'print the spec with all that it leaves open filled in, and its hash; run nothing',
  },
  out: { type: 'string', describe: 'folder of the run; default: a new one in runs/' },
  resume: {
    type: 'string',
    requiresArg: false,
    describe: 'go on with this run, or without a value with the one in --out; its own spec is used',
  },
  tag: { type: 'string', array: true, describe: 'tag of the run; several: --tag a --tag b' },
  note: { type: 'string', describe: 'a remark about the run' },
};

/** Where what a run trains is carried out. */
export const onOption = {
  on: {
    type: 'string',
    describe:
      'where cells are trained: local (this process), processes (of this machine; the default), or nats://HOST:PORT (its workers)',
  },
  ...natsFlags,
} as const satisfies Record<string, Options>;

/** The fields that `--set` and `--on` set. */
export const overridesOf = ({ set = [], on }: Args) =>
  [...(set as string[]), ...executorSet(on)].map(parseOverride);

const executorSet = (on: string | undefined) => (on === undefined ? [] : [`executor=${executorWord(on)}`]);

/** Runs a spec, or goes on with its run: what `run`, `pretrain` and `search` do once they have it. */
export async function runRead(read: () => Promise<ReadSpec>, args: Args, output: Output): Promise<ExitCode> {
  if (args.dryRun) {
    const resolved = resolvedSpec((await read()).spec);
    const hash = specHash(resolved);
    output.result({ hash, spec: resolved }, () => [`# ${hash}`, specYaml(resolved).trimEnd()]);
    return exitCode.ok;
  }
  let wanted: Promise<ReadSpec> | undefined;
  const once = () => {
    wanted ??= read();
    return wanted;
  };
  const before = await again(async () => wantedSpec(await once()), args, output);
  if ('code' in before) return before.code;
  const { resume } = before;
  const { on } = args;
  const spec = await (resume === undefined ? once() : specOfRun(readManifest(resume), overridesOf({ on })));
  return execute(spec, resume, args, output);
}

/** Goes on with a run. */
export async function resumeRead(dir: string, args: Args, output: Output): Promise<ExitCode> {
  const { on } = args;
  return execute(await specOfRun(readManifest(dir), overridesOf({ on })), dir, args, output);
}

async function execute(
  read: ReadSpec,
  resume: string | undefined,
  args: Args,
  output: Output,
): Promise<ExitCode> {
  const board = progressBoard(output);
  const options = {
    ...given({ out: args.out, tags: args.tag, note: args.note }),
    stop: interrupted$,
    onNote: output.note,
    onRow: specProgress(read, board),
  };
  try {
    const result = await (resume === undefined ? specJob(read, options) : resumeSpec(resume, read, options));
    board.stop();
    return report(result, output);
  } finally {
    board.stop();
  }
}

/**
 * What the same command, given again, is to do: go on with the run in `--out`, or say that it is done. Throws exit code 2
 * where a run of another spec is there.
 */
export async function again(
  wanted: () => Promise<Wanted>,
  args: Args,
  output: Output,
): Promise<{ resume?: string } | { code: ExitCode }> {
  if (args.resume !== undefined) {
    const run = args.resume || args.out;
    if (!run) throw usageError('--resume does not say which run', 'give its folder: --resume RUN');
    if (args.out !== undefined && args.out !== run) {
      throw usageError(`--resume ${run} and --out ${args.out} are two folders`, 'give one of them');
    }
    return { resume: run };
  }
  if (args.out === undefined) return {};
  const found = await standing(args.out, await wanted());
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

/** So many cells are embedded in a second: fewer have no line of progress. */
const embeddedAtOnce = 50_000;

/** A line of progress for each phase that trains, searches or embeds many cells, begun with its first row. */
function specProgress({ spec, registry }: ReadSpec, board: ProgressBoard): (row: SpecRow) => void {
  const amounts = amountsOf(spec, spaceOf(spec, registry));
  const next = (unit: PhaseAmount['unit']) => {
    const index = amounts.findIndex((amount) => amount.unit === unit && Number.isFinite(amount.total));
    if (index < 0) return undefined;
    const [{ phase, total }] = amounts.splice(index, 1) as [(typeof amounts)[number]];
    return board.add(phase === 'main' ? spec.name : phase, total, unit);
  };
  let training: Progress | undefined;
  let search: ((row: SpecRow) => void) | undefined;
  let embedding: Progress | undefined;
  let embedded = 0;
  return (row) => {
    if (row.event === 'embedded') {
      embedded += row.row.cells;
      if (embedded > embeddedAtOnce) embedding ??= next('cells');
      embedding?.update(embedded);
    } else if (row.event === 'step') {
      training ??= next('steps');
      training?.update(row.row.step + 1, `loss ${row.row.total.toFixed(3)}`);
    } else if (row.event === 'query' || row.event === 'train') {
      if (row.event === 'query' && row.row.query === 1) search = undefined;
      const bar = search ? undefined : next('queries');
      if (bar) search = searchProgress(bar);
      search?.(row);
    }
  };
}

/** Shows the rows of a search on a line of progress. */
export function searchProgress(bar: Progress): (row: SpecRow) => void {
  let queries = 0;
  let best = '';
  return ({ event, row }) => {
    if (event === 'query') {
      queries = row.query;
      best = `best ${percent(row.best_test)}`;
      bar.update(queries, best);
    } else if (event === 'train') {
      bar.update(queries, `${best}, training, loss ${row.total.toFixed(4)}`);
    }
  };
}

function report({ training, search, ...result }: SpecResult, output: Output): ExitCode {
  const { dir, status, rows, name, stages } = result;
  const own = { dir, status };
  const data =
    training && search
      ? { ...result, training, search }
      : training
        ? { ...own, ...training }
        : search
          ? { ...own, ...search }
          : result;
  output.result(data, () => [
    ...trainingLines(training),
    ...searchLines(search),
    ...(training || search ? [] : [`${name}: ${rowsText(rows)}`]),
    '',
    ...stageTable(stages),
    '',
    `run: ${dir}`,
    status === 'done'
      ? search
        ? `next: rxnas export queries --run ${dir} --format csv`
        : training
          ? `next: rxnas search --controller ${dir}`
          : rows.embedding
            ? `embeddings: ${dir}/embeddings-*.parquet (docs/analytics.md)`
            : `next: rxnas replay ${dir}`
      : `stopped; go on with: rxnas resume ${dir}`,
  ]);
  return status === 'done' ? exitCode.ok : exitCode.interrupted;
}

function rowsText(rows: Readonly<Record<string, number>>): string {
  const own = Object.entries(rows).filter(([event]) => event !== 'stage');
  const counts = own.map(([event, count]) => `${thousands(count)} rows of ${event}`);
  return counts.join(', ') || 'done, nothing was logged';
}

function trainingLines(training: SpecResult['training']): string[] {
  if (!training) return [];
  const { steps, total, last } = training;
  const figures = last
    ? `: reconstruction ${last.reconstruction.toFixed(4)}, metric ${last.metric.toFixed(4)}`
    : '';
  return [`pretrained ${steps}${Number.isFinite(total) ? ` of ${total}` : ''} steps${figures}`];
}

function searchLines(search: SpecResult['search']): string[] {
  if (!search) return [];
  const { protocol, queries, dry, last, queriesToBest } = search;
  return [
    `${queries} queries${dry ? '; nothing new was found any more' : ''}`,
    ...(last
      ? [
          `best by ${protocol === 'T' ? 'test (protocol T)' : 'validation'}: ${percent(last.best_validation)} validation, ${percent(last.best_test)} test${Number.isNaN(last.regret) ? '' : `, regret ${percent(last.regret)}`}${last.rank > 0 ? `, rank ${last.rank}` : ''}, found with query ${queriesToBest}`,
        ]
      : []),
  ];
}
