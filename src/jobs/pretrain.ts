import { given } from '../core/given.js';
import type { StepRow } from '../operators/lossStep.js';
import type { JobOptions, JobResult } from './job.js';
import { pretrainSpec, type Settings } from './settings.js';
import { type SpecResult, specJob, type TrainingFigures } from './specJob.js';

export type PretrainResult = JobResult & TrainingFigures;

/** Pretrains a controller and writes the run (the preset `pretrain` with these settings): metrics, checkpoints, embeddings. */
export async function pretrainJob(settings: Settings, options: JobOptions<StepRow>): Promise<PretrainResult> {
  const { onRow, ...rest } = options;
  const result = await specJob(await pretrainSpec(settings), {
    ...rest,
    ...given({ onRow: onRow && stepsTo(onRow) }),
  });
  return pretrainResult(result);
}

const stepsTo =
  (onRow: (row: StepRow) => void): NonNullable<Parameters<typeof specJob>[1]['onRow']> =>
  ({ event, row }) => {
    if (event === 'step') onRow(row);
  };

const pretrainResult = ({ dir, status, training }: SpecResult): PretrainResult => ({
  dir,
  status,
  ...training!,
});
