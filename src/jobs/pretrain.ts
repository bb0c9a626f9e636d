import { defaultIfEmpty, lastValueFrom, takeUntil, tap } from 'rxjs';
import { rowsOf } from '../core/batch/index.js';
import { initialWeights } from '../core/controller/weights.js';
import { usageError } from '../core/errors.js';
import { given } from '../core/given.js';
import { lossSpec, openLoss } from '../core/losses/index.js';
import { openMiner } from '../core/miners/index.js';
import { stream } from '../core/random/random.js';
import { createRun, type JsonValue, openRun, resumeRun } from '../core/run/index.js';
import { openSpace, type Space } from '../core/space/index.js';
import { batchesPerEpoch } from '../operators/anchors.js';
import { embedCells } from '../operators/embedCells.js';
import type { StepRow } from '../operators/lossStep.js';
import { record } from '../operators/record.js';
import { pretrain } from '../pipelines/pretrain.js';
import { controllerConfig, engineFor, type JobOptions, type JobResult, place, withRun } from './job.js';
import { type PretrainSettings, parseSettings, pretrainSettings } from './settings.js';

export interface PretrainResult extends JobResult {
  /** Steps done, and steps there are. */
  steps: number;
  total: number;
  /** The last step's row; absent where no step was done. */
  last?: StepRow;
}

/** Settings of a pretraining with everything that the loss's experiment (REFERENCE §5) fills in. */
export function resolvePretrain(settings: Record<string, unknown>) {
  const parsed: PretrainSettings = parseSettings(pretrainSettings, settings);
  const { experiment } = lossSpec(parsed.loss);
  const miner = parsed.miner ?? experiment.miner.name;
  const resolved = {
    ...parsed,
    miner,
    minerParams:
      parsed.miner === undefined ? { ...experiment.miner.params, ...parsed.minerParams } : parsed.minerParams,
    weight: parsed.weight ?? experiment.weight,
    batch: parsed.batch ?? experiment.batch,
    learningRate: parsed.learningRate ?? experiment.learningRate,
  };
  const { batch, samplesPerClass } = resolved;
  if (batch % samplesPerClass !== 0) {
    throw usageError(
      `a batch of ${batch} cells is not whole classes of ${samplesPerClass}`,
      `give --batch a multiple of ${samplesPerClass}, for example ${Math.max(2, Math.round(batch / samplesPerClass)) * samplesPerClass}`,
    );
  }
  const space = openSpace(resolved.space);
  const classes = batch / samplesPerClass;
  if (classes < 2) {
    throw usageError(
      `a batch of ${batch} cells is one class of ${samplesPerClass}: without a second class there are no negatives`,
      `give --batch at least ${2 * samplesPerClass}`,
    );
  }
  if (classes > space.size) {
    throw usageError(
      `a batch of ${batch} cells needs ${classes} anchors, ${space.name} has ${space.size} cells`,
      'give a smaller --batch',
    );
  }
  return resolved;
}

export type ResolvedPretrain = ReturnType<typeof resolvePretrain>;

/** Steps of a whole pretraining. */
export function totalSteps({ space, batch, samplesPerClass, epochs, steps }: ResolvedPretrain): number {
  return Math.min(
    steps ?? Number.POSITIVE_INFINITY,
    batchesPerEpoch(openSpace(space), batch / samplesPerClass) * epochs,
  );
}

/** Pretrains a controller and writes the run: metrics, checkpoints, embeddings. */
export async function pretrainJob(
  settings: Record<string, unknown>,
  options: JobOptions<StepRow>,
): Promise<PretrainResult> {
  return runPretrain(resolvePretrain(settings), options);
}

/** Goes on with a pretraining run that was stopped, to the bits that it would have had. */
export async function resumePretrain(dir: string, options: JobOptions<StepRow>): Promise<PretrainResult> {
  const resumed = await resumeRun(dir);
  return runPretrain(resolvePretrain(resumed.run.manifest.spec as Record<string, unknown>), options, resumed);
}

async function runPretrain(
  settings: ResolvedPretrain,
  options: JobOptions<StepRow>,
  resumed?: Awaited<ReturnType<typeof resumeRun>>,
): Promise<PretrainResult> {
  const { seed, batch, samplesPerClass, epochs, clipNorm } = settings;
  const space = openSpace(settings.space);
  const loss = openLoss(settings.loss, settings.lossParams);
  const miner = openMiner(settings.miner, settings.minerParams);
  const total = totalSteps(settings);

  const engine = await engineFor(settings, resumed).catch((error) => {
    resumed?.run.close();
    throw error;
  });
  try {
    const run =
      resumed?.run ??
      (await createRun({
        kind: 'pretrain',
        ...place(options),
        spec: settings as unknown as JsonValue,
        seed,
        engine: { name: engine.name, threads: engine.threads },
      }));
    for (const warning of resumed?.warnings ?? []) options.onNote?.(warning);

    return await withRun(run, async () => {
      const config = controllerConfig(space);
      const checkpoint = resumed?.checkpoint;
      const weights = checkpoint?.controller?.weights ?? initialWeights(config, seed);
      const controller = await engine.controller(config, weights);
      const firstStep = checkpoint?.position.step ?? 0;
      const save = async (steps: number) => {
        const position = { step: steps, epoch: 0, round: 0 };
        await run.checkpoint({
          space: space.name,
          controller: { config, weights: await controller.weights() },
          position,
        });
      };
      try {
        const row = await lastValueFrom(
          pretrain({
            ...{ space, controller, miner, loss, seed, samplesPerClass, epochs, firstStep },
            weight: settings.weight,
            batchSize: batch,
            steps: total,
            learningRate: settings.learningRate,
            milestones: settings.milestones,
            sameOrder: settings.sameOrder,
            apart: settings.apart,
            checkpointEvery: settings.checkpointEvery,
            stop: options.stop,
            run,
            save: (row) => save(row.step + 1),
            onCollapse: settings.onCollapse,
            onWarning: ({ message, step }) => options.onNote?.(`step ${step}: ${message}`),
            logged: resumed ? loggedSteps(run.dir) : [],
            ...given({ clipNorm }),
          }).pipe(
            tap((row) => options.onRow?.(row)),
            defaultIfEmpty(undefined),
          ),
        );
        const steps = row ? row.step + 1 : firstStep;
        await save(steps);
        const last = row ?? lastLogged(run.dir);
        const result = { dir: run.dir, steps, total, ...given({ last }) };
        let stopped = steps < total;
        const cells = sampleCells(space, Math.min(settings.embed, space.size), seed);
        if (!stopped) {
          await lastValueFrom(
            embedCells({ space, controller, cells }).pipe(
              takeUntil(
                options.stop.pipe(
                  tap(() => {
                    stopped = true;
                  }),
                ),
              ),
              record({ run, event: 'embedding' }),
              defaultIfEmpty(undefined),
            ),
          );
        }
        if (stopped) {
          await run.finish('interrupted');
          return { ...result, status: 'interrupted' as const };
        }
        await run.finish('done', {
          steps,
          ...(last && { total: last.total, reconstruction: last.reconstruction, metric: last.metric }),
        });
        return { ...result, status: 'done' as const };
      } finally {
        controller.dispose();
      }
    });
  } finally {
    await engine.dispose();
  }
}

/** The last step that a resumed run has logged. */
function lastLogged(dir: string): StepRow | undefined {
  let last: StepRow | undefined;
  for (const row of loggedSteps(dir)) last = row;
  return last;
}

function* loggedSteps(dir: string): Generator<StepRow> {
  for (const { batch } of openRun(dir).records({ events: ['step'] }))
    yield* rowsOf(batch) as Generator<StepRow>;
}

/** Random cells without repetition, in id order; all of them where as many are wanted. */
function sampleCells(space: Space, count: number, seed: number): Uint32Array {
  const cells = space.cells();
  if (count >= cells.length) return cells;
  const chosen = stream(seed, 'embed').shuffle(Uint32Array.from(cells.keys())).subarray(0, count).sort();
  return chosen.map((id) => cells[id]!);
}
