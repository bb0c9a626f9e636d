import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  type RecordBatch,
  Schema,
  Uint32,
  Utf8,
} from 'apache-arrow';
import type { Columns, Row } from './columns.js';
import { makeBatch, values } from './columns.js';

/**
 * Rows of the run log. Columns have no nulls: a figure that is not there is NaN, a rank that is not known 0. Rows carry
 * nothing of the wall clock, so that equal runs log equal rows; when a row was written stands in the log's frame headers.
 */
const int32 = (name: string) => new Field(name, new Int32(), false);
const uint32 = (name: string) => new Field(name, new Uint32(), false);
const float64 = (name: string) => new Field(name, new Float64(), false);
const utf8 = (name: string) => new Field(name, new Utf8(), false);

/** One pretraining step. */
export type StepColumns = {
  step: Int32;
  epoch: Int32;
  /** L_rec + w · L_metric (eq. 2) */
  total: Float64;
  reconstruction: Float64;
  /** L_metric before weighting; NaN without a metric loss. */
  metric: Float64;
  /** Tuples mined; NaN without a miner. */
  mined: Float64;
  learning_rate: Float64;
  gradient_norm: Float64;
  /** Mean standard deviation of the embedding's coordinates; 0 = collapsed. */
  spread: Float64;
  /** exp of the entropy of the embedding's covariance spectrum, 1..dim. */
  effective_rank: Float64;
};

/** One inner epoch of a search's training. */
export type TrainColumns = {
  round: Int32;
  epoch: Int32;
  total: Float64;
  mse: Float64;
  reconstruction: Float64;
  gradient_norm: Float64;
  learning_rate: Float64;
};

/** One step size of one round of proposals. */
export type ProposalColumns = { round: Int32; step: Int32; decoded: Int32; valid: Int32; fresh: Int32 };

/** One query of the benchmark. Accuracies are fractions; NaN where unknown. */
export type QueryColumns = {
  query: Int32;
  round: Int32;
  cell: Uint32;
  hash: Utf8;
  searcher: Utf8;
  origin: Utf8;
  validation: Float64;
  test: Float64;
  best_validation: Float64;
  best_test: Float64;
  regret: Float64;
  /** 1 = best; 0 where unknown. */
  rank: Int32;
  seconds: Float64;
};

/** One query of one search of a sweep. */
export type ResultColumns = QueryColumns & {
  /** What the sweep calls its row: a loss, a baseline, a searcher. */
  variant: Utf8;
  /** Loss of the pretraining; '' where there is none. */
  loss: Utf8;
  /** Seed of the pretraining, or of the group of searches where there is none. */
  pretrain_seed: Uint32;
  /** Seed of the search. */
  seed: Uint32;
  protocol: Utf8;
};

/**
 * How one variant of a sweep did, over its searches: means and sample standard deviations. Accuracies, their differences and regrets are fractions.
 * NaN where a figure is not there: the tests of the variant that the others are tested against, a standard deviation of one search, what nobody has
 * published.
 */
export type SummaryColumns = {
  variant: Utf8;
  loss: Utf8;
  searcher: Utf8;
  protocol: Utf8;
  pretrainings: Int32;
  searches: Int32;
  /** Queries until the final accuracy was reached. */
  queries: Float64;
  queries_std: Float64;
  /** Queries in all. */
  queries_made: Float64;
  /** Test accuracy of the cell that was found. */
  test: Float64;
  test_std: Float64;
  validation: Float64;
  /** Standard deviation of the test accuracies of all queried cells. */
  sd: Float64;
  sd_std: Float64;
  regret: Float64;
  rank: Float64;
  rank_std: Float64;
  /** Variant that this one is tested against; '' where there is none. */
  against: Utf8;
  /** Test accuracy minus that of `against`, with its 95 % cluster bootstrap interval. */
  test_difference: Float64;
  test_low: Float64;
  test_high: Float64;
  /** Mann–Whitney over the searches, and over the means of the pretrainings (exact); both Holm-corrected. */
  test_p: Float64;
  test_p_means: Float64;
  /** The same of the queries until the final accuracy. */
  queries_difference: Float64;
  queries_low: Float64;
  queries_high: Float64;
  queries_p: Float64;
  queries_p_means: Float64;
  published_queries: Float64;
  published_test: Float64;
  published_sd: Float64;
  published_regret: Float64;
  published_rank: Float64;
};

export type Embedding = FixedSizeList<Float32>;

/** One cell's `arch_emb`. */
export type EmbeddingColumns = { cell: Uint32; hash: Utf8; embedding: Embedding };

/** A checkpoint was written; `weights` is the CRC-32 of the flat weights' bytes. */
export type CheckpointColumns = { step: Int32; epoch: Int32; round: Int32; weights: Uint32 };

export type WarningColumns = { code: Utf8; message: Utf8; step: Int32 };

/** What a stage has handled in one part of a run, from its start or resumption to its end or interruption. */
export type StageColumns = {
  stage: Utf8;
  /** Rows that flowed in and out. */
  in: Float64;
  out: Float64;
  /** Most items that were held behind the stage at once, and items that were dropped there (see `Credit`). */
  buffered: Float64;
  dropped: Float64;
  /** Spent in the stage itself, and spent waiting for credit. */
  seconds: Float64;
  waiting: Float64;
};

/** Columns of every event that rxnas itself logs. */
export interface EventColumns {
  step: StepColumns;
  train: TrainColumns;
  proposal: ProposalColumns;
  query: QueryColumns;
  result: ResultColumns;
  summary: SummaryColumns;
  embedding: EmbeddingColumns;
  checkpoint: CheckpointColumns;
  warning: WarningColumns;
  stage: StageColumns;
}

export type EventName = keyof EventColumns;
export type EventRow<E extends EventName> = Row<EventColumns[E]>;
export type EventBatch<E extends EventName> = RecordBatch<EventColumns[E]>;

const embeddingSchemas = new Map<number, Schema<EmbeddingColumns>>();

/** Schema of `embedding` rows of `dim` coordinates. The same object for the same size. */
export function embeddingSchema(dim: number): Schema<EmbeddingColumns> {
  let schema = embeddingSchemas.get(dim);
  if (!schema) {
    const embedding = new FixedSizeList(dim, new Field('item', new Float32(), false));
    schema = new Schema<EmbeddingColumns>([
      uint32('cell'),
      utf8('hash'),
      new Field('embedding', embedding, false),
    ]);
    embeddingSchemas.set(dim, schema);
  }
  return schema;
}

/** Embeddings around arrays of `rows` values (`embedding`: row-major [rows, dim]); only the hashes are copied. */
export function embeddingBatch(
  dim: number,
  columns: { cell: Uint32Array; hash: readonly string[]; embedding: Float32Array },
): EventBatch<'embedding'> {
  return makeBatch(embeddingSchema(dim), columns);
}

/** The embeddings of a batch, row-major [rows, dim]; not copied. */
export const embeddingsOf = <T extends Columns & { embedding: Embedding }>(batch: RecordBatch<T>) =>
  values(batch, 'embedding') as Float32Array;

const queryFields = [
  int32('query'),
  int32('round'),
  uint32('cell'),
  utf8('hash'),
  utf8('searcher'),
  utf8('origin'),
  float64('validation'),
  float64('test'),
  float64('best_validation'),
  float64('best_test'),
  float64('regret'),
  int32('rank'),
  float64('seconds'),
];

/** Schemas of the events; that of `embedding` depends on its size, see {@link embeddingSchema}. */
export const eventSchemas: { readonly [E in Exclude<EventName, 'embedding'>]: Schema<EventColumns[E]> } = {
  step: new Schema([
    int32('step'),
    int32('epoch'),
    float64('total'),
    float64('reconstruction'),
    float64('metric'),
    float64('mined'),
    float64('learning_rate'),
    float64('gradient_norm'),
    float64('spread'),
    float64('effective_rank'),
  ]),
  train: new Schema([
    int32('round'),
    int32('epoch'),
    float64('total'),
    float64('mse'),
    float64('reconstruction'),
    float64('gradient_norm'),
    float64('learning_rate'),
  ]),
  proposal: new Schema([int32('round'), int32('step'), int32('decoded'), int32('valid'), int32('fresh')]),
  query: new Schema(queryFields),
  result: new Schema([
    ...queryFields,
    utf8('variant'),
    utf8('loss'),
    uint32('pretrain_seed'),
    uint32('seed'),
    utf8('protocol'),
  ]),
  summary: new Schema<SummaryColumns>([
    ...['variant', 'loss', 'searcher', 'protocol'].map(utf8),
    ...['pretrainings', 'searches'].map(int32),
    ...[
      'queries',
      'queries_std',
      'queries_made',
      'test',
      'test_std',
      'validation',
      'sd',
      'sd_std',
      'regret',
    ].map(float64),
    ...['rank', 'rank_std'].map(float64),
    utf8('against'),
    ...['test', 'queries'].flatMap((figure) =>
      ['difference', 'low', 'high', 'p', 'p_means'].map((name) => float64(`${figure}_${name}`)),
    ),
    ...['queries', 'test', 'sd', 'regret', 'rank'].map((name) => float64(`published_${name}`)),
  ] as Schema<SummaryColumns>['fields']),
  checkpoint: new Schema([int32('step'), int32('epoch'), int32('round'), uint32('weights')]),
  warning: new Schema([utf8('code'), utf8('message'), int32('step')]),
  stage: new Schema([
    utf8('stage'),
    float64('in'),
    float64('out'),
    float64('buffered'),
    float64('dropped'),
    float64('seconds'),
    float64('waiting'),
  ]),
};

/** All events that rxnas itself logs. */
export const eventNames = [...Object.keys(eventSchemas), 'embedding'] as unknown as readonly [
  EventName,
  ...EventName[],
];

/**
 * Events whose rows depend on when a run was interrupted or how fast the machine was: left out where two runs are
 * compared row by row.
 */
export const undeterminedEvents: readonly string[] = ['checkpoint', 'stage'];

/** Whether rows of `event` must be equal in equal runs; true for events that rxnas does not know. */
export const isDetermined = (event: string): boolean => !undeterminedEvents.includes(event);
