import type { output, ZodObject } from 'zod';
import { type Distance, type EmbeddingBatch, embeddingGradient } from '../distances/index.js';
import { type Call, kernels } from '../kernels/kernels.js';
import type { PairCounts, Selection } from '../miners/index.js';
import type { Reducer, TermCounts } from '../reducers/index.js';
import type { Component } from '../spec/component.js';

/**
 * What one loss on one batch works on. Rows belong to anchors: computing row a reads what it likes but writes entries of a alone, so that
 * anchors may be divided among threads in any way without changing a bit. All arrays lie in the kernels' memory.
 */
export interface LossContext {
  readonly batch: EmbeddingBatch;
  readonly selection: Selection;
  readonly distance: Distance;
  /** Values of the loss's distance, [n, n]. */
  readonly matrix: Float64Array;
  /** To be filled: ∂(sum of the counted losses)/∂matrix, [n, n]; row a is 0 when its computation starts. */
  readonly coefficients: Float64Array;
  /** To be filled, for each term and anchor: sum of the counted losses, number of tuples, number of counted ones; [terms, 3, n]. */
  readonly totals: Float64Array;
  /** The same, number by number, each [n]. */
  readonly sum: readonly Float64Array[];
  readonly tuples: readonly Float64Array[];
  readonly counted: readonly Float64Array[];
  /** Losses count that lie strictly between these. */
  readonly low: number;
  readonly high: number;
  /** Scratch: counts of the positive pairs [pairs]; negatives of one anchor, and how often each occurs [n]. */
  readonly positive: Int32Array;
  readonly negative: Int32Array;
  readonly times: Int32Array;
  /** For kernels: room for {@link Selection.countPairs}. */
  counts(): PairCounts;
  /** Scratch of the loss's own: at least `length` numbers, kept from {@link MetricLoss.prepare} to the last row. */
  own(name: string, length: number): Float64Array;
}

/** A loss with its parameters bound. */
export interface MetricLoss {
  readonly distance: Distance;
  /**
   * Names of what is reduced separately and then added: one, or two, of which the first has weights between rows of one class only and
   * the second between rows of different classes only.
   */
  readonly terms: readonly string[];
  /** True where a selection is too small for this loss: value and gradient are 0 then. */
  idle(selection: Selection): boolean;
  /**
   * The kernels that fill `coefficients`, as {@link Distance.weigh} leaves them if that divides, and what `finish` needs. Where a loss has
   * none (for this selection), `prepare` and `row` compute it.
   */
  kernels?(context: LossContext): readonly Call[] | undefined;
  /** After the kernels: fills what they left of the totals. */
  finish?(context: LossContext): void;
  /** Once a batch, before its rows. */
  prepare?(context: LossContext): void;
  row?(context: LossContext, a: number): void;
  /** The divisor that this loss names for {@link Reducer} `Divisor`, once all rows are there. */
  divisor?(context: LossContext): number;
  /** Figures worth logging beside the value, under the names that pytorch-metric-learning gives them. */
  details?(context: LossContext): Record<string, number | Int32Array>;
  /** The same for a selection that is too small. */
  readonly idleDetails?: Record<string, number>;
}

/** Setting of the paper's experiment with a loss; REFERENCE §5. */
export interface Experiment {
  miner: { name: string; params: Record<string, number | string> };
  /** w of eq. 2. */
  weight: number;
  /** Rows of a batch. */
  batch: number;
  learningRate: number;
}

/** A loss as registries, lint and docs know it. */
export interface LossSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'loss';
  readonly source: string;
  /** With s the dot product, D the Euclidean distance, pd PyTorch's pairwise distance, T the mined tuples. */
  readonly formula: string;
  /** Name of the reducer unless another one is asked for. */
  readonly reducer: string;
  /** The paper's setting, or for losses that it does not have, one to start from. */
  readonly experiment: Experiment;
  create(params: output<P>): MetricLoss;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineLoss = <P extends ZodObject>(spec: Omit<LossSpec<P>, 'kind'>): LossSpec<P> =>
  Object.freeze({ kind: 'loss', ...spec });

/** One term of a loss after reduction. */
export interface TermResult extends TermCounts {
  name: string;
  value: number;
}

export interface LossResult {
  /** The loss; NaN where an embedding was NaN or infinite. */
  value: number;
  /** ∂value/∂(raw embeddings), row-major [n, dim]; a fresh array. */
  gradient: Float64Array<ArrayBuffer>;
  /** False where the value is NaN or infinite. */
  finite: boolean;
  /** Tuples mined, and tuples there were. */
  mined: number;
  candidates: number;
  terms: TermResult[];
  details: Record<string, number | Int32Array>;
}

/** Value and gradient of a loss on a batch and a selection from it. */
export function evaluate(
  loss: MetricLoss,
  reducer: Reducer,
  batch: EmbeddingBatch,
  selection: Selection,
): LossResult {
  const { rows, dim } = batch;
  const gradient = new Float64Array(rows * dim);
  const result: LossResult = {
    value: 0,
    gradient,
    finite: true,
    mined: selection.size,
    candidates: selection.candidates,
    terms: loss.terms.map((name) => ({ name, value: 0, tuples: 0, counted: 0 })),
    details: {},
  };
  if (!batch.finite) {
    gradient.fill(Number.NaN);
    return { ...result, value: Number.NaN, finite: false };
  }
  if (loss.idle(selection)) return { ...result, details: { ...loss.idleDetails } };

  const context = contextOf(loss, reducer, batch, selection);
  const calls = loss.kernels?.(context);
  if (calls) {
    kernels().run(rows, ...calls);
    loss.finish?.(context);
  } else {
    loss.prepare?.(context);
    lossRows(loss, context);
  }
  if (!(calls && loss.distance.perValue)) {
    for (let a = 0; a < rows; a++) loss.distance.weigh(batch, context.coefficients, a);
  }

  const own = loss.divisor?.(context);
  const scales = result.terms.map((term, t) => {
    term.tuples = total(context.tuples[t], rows);
    term.counted = total(context.counted[t], rows);
    if (own !== undefined) term.divisor = own;
    const divisor = reducer.divisor(term);
    if (divisor === 0) return 0;
    term.value = total(context.sum[t], rows) / divisor;
    result.value += term.value;
    return 1 / divisor;
  });
  result.details = loss.details?.(context) ?? {};
  result.finite = Number.isFinite(result.value);
  if (scales.some((scale) => scale !== 0)) {
    embeddingGradient(
      batch,
      loss.distance,
      context.coefficients,
      { positive: scales[0], negative: scales.at(-1)! },
      gradient,
    );
  }
  return result;
}

function lossRows(loss: MetricLoss, context: LossContext): void {
  const { coefficients, totals, batch } = context;
  coefficients.fill(0, 0, batch.rows * batch.rows);
  totals.fill(0);
  for (let a = 0; a < batch.rows; a++) loss.row!(context, a);
}

function contextOf(
  loss: MetricLoss,
  reducer: Reducer,
  batch: EmbeddingBatch,
  selection: Selection,
): LossContext {
  const { rows } = batch;
  const arena = batch.scratch(loss);
  const totals = arena.float64('totals', 3 * loss.terms.length * rows);
  const perTerm = (which: number) =>
    loss.terms.map((_, t) => totals.subarray((3 * t + which) * rows, (3 * t + which + 1) * rows));
  return {
    batch,
    selection,
    distance: loss.distance,
    matrix: loss.distance.matrix(batch),
    coefficients: arena.matrix('coefficients', rows, rows),
    totals,
    sum: perTerm(0),
    tuples: perTerm(1),
    counted: perTerm(2),
    low: reducer.low,
    high: reducer.high,
    positive: arena.int32('positive', batch.classes.pairs),
    negative: arena.int32('negative', rows + 1),
    times: arena.int32('times', rows + 1),
    counts: () => {
      const stride = Math.ceil(rows / 8) * 8;
      return {
        positives: arena.int32('positives', batch.classes.pairs),
        negatives: arena.uint16('negatives', rows * stride),
        stride,
      };
    },
    own: (name, length) => arena.float64(`own ${name}`, length),
  };
}

/** In row order, whatever thread computed the rows. */
function total(values: Float64Array, rows: number): number {
  let sum = 0;
  for (let a = 0; a < rows; a++) sum += values[a];
  return sum;
}
