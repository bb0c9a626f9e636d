import { z } from 'zod';
import { protocols } from '../search/pool.js';
import { choice } from './component.js';

/** What a list of stages without a name is called. */
export const onlyPhase = 'main';

/** A phase or a branch is called like a variable. */
export const namePattern = /^[A-Za-z][\w-]*$/;

/** Marks a field in which `${NAME}` stands for an environment variable. */
export const fromEnvironment = { env: true } as const;

/** Marks a field in which `${NAME}` is left as it stands. */
const notLookedInto = { env: 'ignored' } as const;

/** Marks a field that holds the stages of a pipeline. */
export const ofStages = { stages: true, ...notLookedInto } as const;

const anything = z.custom<unknown>(() => true);

/** A stage: its name, or its name with parameters. */
export const stageSyntax = z
  .union([z.string().min(1), z.record(z.string(), anything)])
  .describe('a stage: `name`, or `name: { parameters }`');

/** Stages in their order, or several named lists of them, one after the other. */
export const stagesSyntax = z
  .union([z.array(stageSyntax).min(1), z.record(z.string().regex(namePattern), z.array(stageSyntax).min(1))])
  .meta(ofStages);

const branchesSyntax = z
  .record(z.string().regex(namePattern), z.array(stageSyntax).min(1))
  .meta(ofStages)
  .describe('the branches by name, each a list of stages');

/** Rows of a test: by column. */
const rows = z.array(z.record(z.string(), anything));

/** One test of a spec, run by `rxnas test`. */
export const testSyntax = z.strictObject({
  name: z.string().min(1).describe('what is tested'),
  phase: z.string().optional().describe('phase that is tested; default: the first'),
  from: z.string().optional().describe('stage that the input goes into; default: the first operator'),
  to: z.string().optional().describe('stage whose output is looked at; default: the last'),
  input: rows.optional().describe('rows that flow in, one batch; without it the phase’s own source runs'),
  take: z.int().min(1).optional().describe('items taken of what comes out; default: all'),
  rows: rows
    .optional()
    .describe('rows that have to come out; of each, only the columns given here are compared'),
  count: z.int().min(0).optional().describe('number of rows that have to come out'),
  items: z.int().min(0).optional().describe('number of batches that have to come out'),
  marbles: z
    .strictObject({
      in: z.string().describe('items that go in over time, e.g. `a-b--c|`'),
      out: z.string().describe('items that have to come out'),
      values: z.record(z.string(), rows).describe('the rows behind each letter'),
    })
    .optional()
    .describe('a marble diagram: what goes in, what has to come out, and when'),
});
export type SpecTest = z.output<typeof testSyntax>;

/** The fields of a spec. */
export const specSyntax = z.strictObject({
  name: z
    .string()
    .regex(namePattern)
    .optional()
    .describe('what runs of it are called; default: its file’s name'),
  description: z.string().optional().describe('what it is for'),
  extends: z.string().min(1).optional().describe('a preset or another file, on which this one stands'),
  set: z
    .record(z.string(), anything)
    .optional()
    .describe('fields of what it extends, by path: `batch.rows: 256`; null takes a stage or field away'),
  use: z.array(z.string().min(1)).optional().describe('modules with components of your own'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(1)
    .meta(fromEnvironment)
    .describe('seed of all random streams'),
  engine: choice('engine')
    .optional()
    .meta(fromEnvironment)
    .describe('what computes the controller; default: auto'),
  space: choice('space').optional().describe('search space; default: that of the benchmark, or nasbench101'),
  benchmark: choice('benchmark')
    .optional()
    .meta(fromEnvironment)
    .describe('benchmark to query: its name, or `name:FILE`; default: mnist-cells5'),
  controller: z
    .string()
    .min(1)
    .optional()
    .meta(fromEnvironment)
    .describe('run or checkpoint of a pretrained controller; default: a fresh one'),
  executor: z
    .string()
    .regex(/^(local|processes|(nats|tls):\/\/\S+)$/, 'expected local, processes or nats://HOST:PORT')
    .regex(
      /^[^@]*$/,
      'no password or token belongs here: give it by RXNAS_NATS_USER and RXNAS_NATS_PASSWORD, or a file',
    )
    .optional()
    .meta(fromEnvironment)
    .describe(
      'where cells are trained: local (this process), processes (of this machine), or by the workers of a NATS server, nats://HOST:PORT; default: processes',
    ),
  pipeline: stagesSyntax.describe(
    'the stages in their order, or named phases of stages, run one after the other',
  ),
  tests: z.array(testSyntax).optional().meta(notLookedInto).describe('tests that `rxnas test` runs'),
});

/** What the stages `tee`, `merge` and `rounds` take: the stages that hold stages. */
export const structures = {
  tee: {
    kind: 'operator',
    summary: 'Hands every row to each branch as well, and on',
    params: branchesSyntax,
    example: 'tee: { file: [{ write: { file: steps.csv } }] }',
  },
  merge: {
    kind: 'operator',
    summary:
      'The rows of all branches as they come: as first stage each branch has its own source, later each gets every row',
    params: branchesSyntax,
    example:
      'merge: { a: [{ replay: { run: runs/a, event: step } }], b: [{ replay: { run: runs/b, event: step } }] }',
  },
  rounds: {
    kind: 'source',
    summary: 'Runs its stages round after round: the loop of a search. Gives one row a round',
    params: z.strictObject({
      most: z
        .int()
        .min(1)
        .optional()
        .describe('most rounds, the initial sample included; default: as many as the budget takes')
        .meta({ unit: 'rounds' }),
      patience: z
        .int()
        .min(1)
        .default(3)
        .describe('rounds in a row without a new cell that end the search')
        .meta({ unit: 'rounds' }),
      searcher: choice('searcher').default('nao').describe('what proposes cells and learns from the queries'),
      identity: z
        .enum(['cell', 'sequence'])
        .default('cell')
        .describe('what counts as one query; `sequence` is the reference’s'),
      protocol: z
        .enum(protocols)
        .default('V')
        .describe(
          'which cell is reported: V, the best by validation; T, the best by test; oracle: the searcher sees test accuracies',
        ),
      targetFloor: z
        .number()
        .min(0)
        .max(1)
        .default(0.8)
        .describe('validation accuracy at which the predictor’s target is 0')
        .meta({ unit: 'fraction' }),
      each: stagesSyntax.describe('stages of one round, or named lists of stages, one after the other'),
    }),
    example: 'rounds: { searcher: random, each: [propose, benchmarkLookup] }',
  },
} as const;

/** The names of the stages that hold stages. */
export type Structure = keyof typeof structures;
export const isStructure = (name: string): name is Structure => Object.hasOwn(structures, name);
