import { z } from 'zod';
import { specSyntax } from './grammar.js';

const anything = z.custom<unknown>(() => true);

/** What a variant may be called: it is part of the names of folders. */
export const variantPattern = /^[A-Za-z][\w@.+-]*$/;

/** A spec in a spec: what it extends and sets, or its own pipeline. */
const specPart = z.record(z.string(), anything).meta({ spec: true, env: 'ignored' });

const seeds = (most: number) => z.int().min(1).max(most);

/** What a sweep varies: the field `sweep`, by which a file is known to be one. */
export const variationSyntax = z.strictObject({
  losses: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('losses, each a variant: `pretrain` with `lossStep.loss` set to it'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff - 1_000_000)
    .default(1)
    .describe('seed of the first pretraining of each variant; the others count on from it'),
  seeds: seeds(1000).default(5).describe('pretrainings of each variant'),
  searchSeeds: seeds(1000)
    .default(1)
    .describe('searches on each pretraining: their seeds are that of the pretraining, + 1000, + 2000, …'),
  against: z
    .string()
    .min(1)
    .optional()
    .describe('variant that the others are tested against; default: NoMetric, or the best baseline'),
});
export type Variation = z.output<typeof variationSyntax>;

const figure = z
  .union([z.number(), z.tuple([z.number(), z.number()])])
  .optional()
  .describe('mean, or [mean, standard deviation]');

/** Figures of others for the same variants, shown beside those of the sweep. Accuracies and regrets in per cent. */
const publishedSyntax = z.strictObject({
  source: z.string().min(1).describe('where the figures are from'),
  benchmark: z.string().min(1).describe('benchmark that they are of: with another one they are left out'),
  rows: z.record(
    z.string(),
    z.strictObject({ queries: figure, test: figure, sd: figure, regret: figure, rank: figure }),
  ),
});
export type Published = z.output<typeof publishedSyntax>;

const variantSyntax = z.strictObject({
  pretrain: specPart
    .nullable()
    .optional()
    .describe('its pretraining instead; fields on top of the common one; null: none'),
  search: specPart.optional().describe('its search instead; fields on top of the common one'),
});

/** The fields of a sweep. */
export const sweepSyntax = z.strictObject({
  name: specSyntax.shape.name,
  description: specSyntax.shape.description,
  extends: specSyntax.shape.extends,
  set: specSyntax.shape.set,
  sweep: z.record(z.string(), anything).meta({ variation: true }).describe('what is varied, and how often'),
  pretrain: specPart
    .optional()
    .describe('spec of the pretrainings: their space is that of the search, their seed the sweep’s'),
  search: specPart
    .optional()
    .describe('spec of the searches: their controller is that of the pretraining, their seed the sweep’s'),
  executor: specSyntax.shape.executor.describe(
    'where the units are carried out: local (this process), processes (of this machine), or by the workers of a NATS server, nats://HOST:PORT; default: processes',
  ),
  variants: z
    .record(z.string().regex(variantPattern, 'a letter, then letters, digits and _ @ . + -'), variantSyntax)
    .optional()
    .describe('variants besides the losses, by name'),
  published: publishedSyntax.optional().describe('figures of others, shown beside'),
});
