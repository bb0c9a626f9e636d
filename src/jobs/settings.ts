import { z } from 'zod';
import { engineNames } from '../core/engine/index.js';
import { usageError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';

const engine = z
  .enum(['auto', ...engineNames])
  .default('auto')
  .describe('what computes the controller; simd-relaxed: faster, with the bits of this machine');
const threads = z.int().min(1).max(64).optional().describe('threads of the engine; default: its own choice');
const seed = z.int().min(0).max(0xffff_ffff).default(1).describe('seed of all random streams');

/** What a pretraining run is made of: its spec, as it stands in the manifest. */
export const pretrainSettings = z.strictObject({
  space: z.string().default('nasbench101').describe('search space'),
  loss: z.string().default('MultiSimilarity').describe('metric loss, or NoMetric'),
  lossParams: z.record(z.string(), z.unknown()).default({}).describe('parameters of the loss'),
  miner: z.string().optional().describe('miner; default: the one that the paper pairs with the loss'),
  minerParams: z.record(z.string(), z.unknown()).default({}).describe('parameters of the miner'),
  weight: z.number().min(0).optional().describe('weight w of the metric loss in eq. 2; default: the paper’s'),
  batch: z.int().min(4).optional().describe('cells a step; default: the paper’s for the loss'),
  samplesPerClass: z.int().min(2).default(8).describe('cells of a class: the anchor and its positives'),
  epochs: z.int().min(1).default(2).describe('passes over the space'),
  steps: z.int().min(1).optional().describe('stop after so many steps; default: all of the epochs'),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe('learning rate of SGD; default: the paper’s for the loss'),
  milestones: z
    .array(z.int().min(1))
    .default([6000])
    .describe('steps at which the rate is multiplied by 0.2'),
  clipNorm: z.number().positive().optional().describe('largest gradient norm; default: no clipping'),
  sameOrder: z
    .boolean()
    .default(false)
    .describe('the same anchor order in every epoch, as the reference has it'),
  apart: z
    .int()
    .min(0)
    .max(7)
    .default(0)
    .describe('least edit distance between the anchors of a batch; 0: as they come, as the reference has it'),
  onCollapse: z
    .enum(['warn', 'stop', 'ignore'])
    .default('warn')
    .describe('what a collapse of the embeddings does: a warning in the log, the end of the run, or nothing'),
  seed,
  engine,
  threads,
  checkpointEvery: z.int().min(0).default(500).describe('steps between checkpoints'),
  embed: z.int().min(0).default(4096).describe('random cells whose embeddings are written at the end'),
});
export type PretrainSettings = z.output<typeof pretrainSettings>;

/** What a search run is made of. */
export const searchSettings = z.strictObject({
  benchmark: z.string().default('mnist-cells5').describe('benchmark to query'),
  searcher: z.enum(['nao', 'random']).default('nao').describe('way of searching'),
  controller: z
    .string()
    .optional()
    .describe('run or checkpoint of a pretrained controller; default: a fresh one'),
  queries: z.int().min(1).default(1000).describe('most queries'),
  rounds: z.int().min(1).default(50).describe('most rounds, the initial sample included'),
  initial: z.int().min(1).default(128).describe('cells of the initial random sample'),
  perRound: z.int().min(1).default(128).describe('new cells a round'),
  top: z.int().min(1).default(128).describe('best cells of the pool that are moved along the gradient'),
  epochs: z.int().min(1).default(100).describe('inner epochs a round'),
  learningRate: z.number().positive().default(0.1).describe('learning rate of SGD'),
  trainBatch: z.int().min(1).default(64).describe('cells a training step'),
  freezeEncoder: z.boolean().default(false).describe('keep encoder and decoder as pretrained'),
  identity: z
    .enum(['cell', 'sequence'])
    .default('cell')
    .describe('what counts as one query; `sequence` is the reference’s'),
  targetFloor: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('validation accuracy at which the predictor’s target is 0'),
  patience: z.int().min(1).default(3).describe('rounds in a row without a new cell that end the search'),
  seed,
  engine,
  threads,
});
export type SearchSettings = z.output<typeof searchSettings>;

/** Settings checked and completed, or a usage error (exit code 2) that names the field. */
export function parseSettings<S extends z.ZodObject>(schema: S, given: Record<string, unknown>): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const known = Object.keys(schema.shape);
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const near = suggest(key, known);
    throw usageError(
      `unknown setting '${key}'`,
      near ? `did you mean '${near}'?` : `known: ${known.join(', ')}`,
    );
  }
  const field = issue?.path.join('.') ?? '';
  const about = schema.shape[issue?.path[0] as string] as z.ZodType | undefined;
  throw usageError(
    `${field} is ${JSON.stringify(given[field])}: ${issue?.message}`,
    `${field}: ${about?.description ?? 'see the documentation'}`,
  );
}
