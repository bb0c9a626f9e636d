import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lastValueFrom, tap } from 'rxjs';
import { nasbench101Controller as config } from '../src/core/controller/config.js';
import { flatten, initialWeights } from '../src/core/controller/weights.js';
import type { Engine, EngineName } from '../src/core/engine/engine.js';
import { openEngine } from '../src/core/engine/index.js';
import { openLoss } from '../src/core/losses/index.js';
import { openMiner } from '../src/core/miners/index.js';
import { createRun } from '../src/core/run/index.js';
import { openSpace } from '../src/core/space/index.js';
import { embedCells } from '../src/operators/embedCells.js';
import { record } from '../src/operators/record.js';
import { pretrain } from '../src/pipelines/pretrain.js';

/** Work that is measured as a whole, in a process of its own: `node task.js '<task>'` prints its result. */
export type Task = PretrainTask | EmbedTask;

export interface PretrainTask {
  task: 'pretrain';
  loss: string;
  batch: number;
  steps: number;
  engine: EngineName;
  threads: number;
  /** Cells of the space that are anchors; default: all. */
  cells?: number;
  /** Steps between two looks at the memory; 0 = none. */
  sampleEvery?: number;
}

export interface EmbedTask {
  task: 'embed';
  engine: EngineName;
  threads: number;
  cells: number;
}

export interface TaskResult {
  /** From the first to the last step or cell, and until the run's files are whole. */
  seconds: number;
  secondsWithFiles: number;
  /** Processor time of all threads meanwhile: what load does not change. */
  cpuSeconds: number;
  /** Median milliseconds from a step to the next. */
  stepMs: number;
  /** Largest resident memory of the process, MiB. */
  peakMiB: number;
  /** SHA-256 of the weights at the end, and bytes of the tables written. */
  weights: string;
  tableBytes: number;
  samples: { step: number; residentMiB: number; resources: number }[];
}

/** Does a task in another process. */
export async function runTask(task: Task): Promise<TaskResult> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    fileURLToPath(import.meta.url),
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout);
}

const MiB = 1024 * 1024;

async function perform(task: Task): Promise<TaskResult> {
  const engine = await openEngine(task.engine, { threads: task.threads });
  const controller = await engine.controller(config, initialWeights(config, 1));
  const root = mkdtempSync(join(tmpdir(), 'rxnas-bench-'));
  try {
    const run = await createRun({ kind: 'bench', root, spec: { ...task }, seed: 1 });
    const samples: TaskResult['samples'] = [];
    const times: number[] = [];
    const startedCpu = process.cpuUsage();
    const started = performance.now();
    if (task.task === 'embed') {
      const space = openSpace('nasbench101');
      await lastValueFrom(
        embedCells({ space, controller, cells: space.cells().subarray(0, task.cells) }).pipe(
          record({ run, event: 'embedding' }),
          tap(() => times.push(performance.now())),
        ),
      );
    } else {
      const { loss, batch, steps, sampleEvery = 0 } = task;
      const opened = openLoss(loss);
      const { miner, weight, learningRate } = opened.spec.experiment;
      await lastValueFrom(
        pretrain({
          ...{ space: spaceOf(task.cells), controller, weight, steps, learningRate, run, seed: 1 },
          ...{
            loss: opened,
            miner: openMiner(miner.name, miner.params),
            batchSize: batch,
            samplesPerClass: 8,
          },
          epochs: Number.MAX_SAFE_INTEGER,
          checkpointEvery: 500,
          save: async ({ step }) => {
            await run.checkpoint({
              space: 'nasbench101',
              controller: { config, weights: await controller.weights() },
              position: { step: step + 1, epoch: 0, round: 0 },
            });
          },
        }).pipe(
          tap(({ step }) => {
            times.push(performance.now());
            if (sampleEvery > 0 && (step + 1) % sampleEvery === 0) samples.push(sample(step + 1, engine));
          }),
        ),
      );
    }
    const ended = performance.now();
    await run.finish('done');
    const cpu = process.cpuUsage(startedCpu);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    return {
      seconds: (ended - started) / 1000,
      secondsWithFiles: (performance.now() - started) / 1000,
      stepMs: gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? Number.NaN,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peakMiB: peakMiB(),
      weights: createHash('sha256')
        .update(flatten(config, await controller.weights()))
        .digest('hex'),
      tableBytes: readdirSync(run.dir)
        .filter((name) => name.endsWith('.parquet'))
        .reduce((sum, name) => sum + statSync(join(run.dir, name)).size, 0),
      samples,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
    controller.dispose();
    await engine.dispose();
  }
}

/** NASBench-101 with only its first cells as anchors: the smaller ones. */
function spaceOf(count?: number) {
  const space = openSpace('nasbench101');
  if (count === undefined) return space;
  const cells = space.cells().slice(0, count);
  return Object.create(space, { size: { value: cells.length }, cells: { value: () => cells } });
}

/** Linux's own mark where there is one: the general figure begins with what the parent process had. */
function peakMiB(): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** After a collection: what V8 has not collected yet is no leak. */
function sample(step: number, engine: Engine) {
  globalThis.gc?.();
  return { step, residentMiB: process.memoryUsage.rss() / MiB, resources: engine.resources() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await perform(JSON.parse(process.argv[2]!))));
}
