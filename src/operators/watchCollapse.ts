import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { z } from 'zod';
import type { EventRow } from '../core/batch/index.js';
import { failure } from '../core/errors.js';
import { type CollapseReference, collapseLimits, collapseSigns } from '../core/losses/health.js';
import type { Run } from '../core/run/index.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { StepRow } from './lossStep.js';

/** The code of the warning. */
export const COLLAPSED = 'collapsed';

export interface WatchCollapseOptions {
  run: Pick<Run, 'append'>;
  /** What the figures are held against; see `collapseReference`. */
  reference: CollapseReference;
  /** Steps that are judged together, by their means; the first one of a window is a multiple of it. */
  window?: number;
  /** What a collapse does: a `warning` row in the log, or that and an error that ends the run. */
  onCollapse?: 'warn' | 'stop';
  limits?: typeof collapseLimits;
  /** Rows of an earlier part of the run, from the start of the window before that of the first row (a resumed run). */
  before?: Iterable<StepRow>;
  /** Told the warning as well. */
  onWarning?: (row: EventRow<'warning'>) => void;
}

/**
 * Looks for the collapse of the embeddings (arXiv 1703.07464, 2110.09348): in a metric loss that pulls everything to one point, the loss
 * stands still at its margin while reconstruction goes on falling, so that the total looks well. Over each window of steps, the means of
 * spread, effective rank, share of mined tuples and loss are held against limits; two signs together are a collapse. Warns once when it
 * begins, and again only after a window without. Rows go on unchanged; those of a step come before the warning that they lead to.
 *
 *     in    a b c d e f g|      window 3, collapsed from c on
 *     out   a b c d e f g|
 *     log             w
 */
export const watchCollapse = defineOperator(
  {
    name: 'watchCollapse',
    kind: 'operator',
    summary: 'Warns of embeddings that collapse, or stops the run',
    source: 'arXiv 1703.07464, 2110.09348',
    params: z.strictObject({
      window: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100)
        .describe('steps that are judged together')
        .meta({ unit: 'steps' }),
      onCollapse: z.enum(['warn', 'stop']).default('warn').describe('warn, or warn and stop the run'),
      limits: z
        .strictObject({
          spread: z
            .number()
            .min(0)
            .max(1)
            .default(collapseLimits.spread)
            .describe('least spread, in 1/√dim')
            .meta({ unit: 'share' }),
          effectiveRank: z
            .number()
            .min(0)
            .max(65_536)
            .default(collapseLimits.effectiveRank)
            .describe('least effective rank')
            .meta({ unit: 'dimensions' }),
          margin: z
            .number()
            .min(0)
            .max(1)
            .default(collapseLimits.margin)
            .describe('nearness to the loss of equal embeddings, as a share of it')
            .meta({ unit: 'share' }),
        })
        .default(collapseLimits)
        .describe('when a figure is a sign of collapse'),
    }),
    needs: ['run', 'reference', 'before', 'onWarning'],
    takes: 'rows',
    input: {
      step: 'int32',
      metric: 'float64',
      mined: 'float64',
      spread: 'float64',
      effective_rank: 'float64',
    },
    output: {},
    passes: true,
    resumes: true,
    stability: 'beta',
    example: 'watchCollapse: { window: 100, onCollapse: warn }',
  },
  (options: WatchCollapseOptions): MonoTypeOperatorFunction<StepRow> => {
    // Belongs to the operator, not to a subscription: `inTurn` subscribes to its stages once an item.
    const look = watcher(options);
    return (rows) =>
      new Observable((subscriber) =>
        rows.subscribe({
          next(row) {
            subscriber.next(row);
            const signs = look(row);
            if (!signs || subscriber.closed) return;
            const message = `the embeddings have collapsed: ${signs.join('; ')}`;
            const warning = { code: COLLAPSED, message, step: row.step };
            try {
              options.run.append('warning', warning);
            } catch (error) {
              subscriber.error(error);
              return;
            }
            options.onWarning?.(warning);
            if (options.onCollapse === 'stop') subscriber.error(stopped(row, message));
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
  },
);

/**
 * Takes row by row; gives the signs of a collapse with the last row of the window in which it begins. A row that does not follow the one
 * before begins anew.
 */
function watcher(options: WatchCollapseOptions): (row: StepRow) => string[] | undefined {
  const { window = 100, limits = collapseLimits, before = [] } = options;
  const { dim, candidates, collapsed } = options.reference;
  let rows: StepRow[] = [];
  let isCollapsed = false;
  let next: number | undefined;

  const judge = (row: StepRow) => {
    if (row.step % window === 0) rows = [];
    rows.push(row);
    // A window whose first rows are not known is not judged.
    if ((row.step + 1) % window !== 0 || rows.length < window) return undefined;
    const mean = (of: (row: StepRow) => number) => rows.reduce((sum, row) => sum + of(row), 0) / window;
    const signs = collapseSigns(
      {
        dim,
        spread: mean(({ spread }) => spread),
        effectiveRank: mean(({ effective_rank }) => effective_rank),
        minedShare: mean(({ mined }) => mined) / candidates,
        value: mean(({ metric }) => metric),
        collapsed,
      },
      limits,
    );
    const begins = signs.length >= 2 && !isCollapsed;
    isCollapsed = signs.length >= 2;
    return begins ? signs : undefined;
  };

  return (row) => {
    if (row.step !== next) {
      rows = [];
      isCollapsed = false;
      for (const earlier of before) judge(earlier);
    }
    next = row.step + 1;
    return judge(row);
  };
}

const stopped = ({ step }: StepRow, message: string) =>
  failure(
    `stopped at step ${step}: ${message}`,
    'try another loss or miner, a smaller --learning-rate or --clip-norm; --on-collapse warn trains on',
  );
