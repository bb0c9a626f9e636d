import { catchError, defer, EMPTY, map, merge, type Observable, share, switchMap, take } from 'rxjs';
import { openBenchmark } from '../core/benchmark/index.js';
import { RxnasError } from '../core/errors.js';
import { given } from '../core/given.js';
import { openRun } from '../core/run/index.js';
import { type Address, serveLive } from '../report/live/server.js';
import { mapModel } from '../report/mapModel.js';
import type { ReportModel } from '../report/model.js';
import { renderPage } from '../report/renderPage.js';
import { movingMap } from './watch/movingMap.js';
import { watchModel } from './watch/watchModel.js';

/** Milliseconds between two looks for a newer checkpoint. */
const mapEvery = 2000;

export interface WatchOptions {
  /** 0: one that is free. */
  port: number;
  /** Most cells of the map; 0: no map. */
  cells: number;
  /** Whose accuracies the map shows; default: that which the run asks. */
  benchmark?: string;
  /** Told what the person who watches should know. */
  onNote?: (line: string) => void;
}

/**
 * Serves the report of a run to browsers of this machine as the run goes on, while subscribed; emits its address when there is something to
 * show. Reads the run only. Errors: exit code 1 where the port cannot be had, 3 where the run's folder is gone, its log is damaged, or the
 * benchmark cannot be opened.
 */
export function watch(
  dir: string,
  { port, cells, benchmark, onNote = () => {} }: WatchOptions,
): Observable<Address> {
  const map$: Observable<Partial<ReportModel>> =
    cells === 0
      ? EMPTY
      : movingMap(openRun(dir), { count: cells, every: mapEvery, onNote, ...given({ benchmark }) }).pipe(
          map((data) => ({ map: mapModel(data) })),
          catchError((error) => {
            if (!(error instanceof RxnasError) || benchmark !== undefined) throw error;
            onNote(`there is no map: ${error.message}`);
            return EMPTY;
          }),
        );
  /** A benchmark that is needed with the first checkpoint only is refused now. */
  const check = async () => {
    if (benchmark !== undefined) await (await openBenchmark(benchmark)).close?.();
  };
  const model$ = watchModel(dir).pipe(share());
  return serveLive<ReportModel>({
    port,
    page: ({ state, ...live }) => renderPage(JSON.parse(state), { live }),
    updates: defer(check).pipe(
      switchMap(() =>
        merge(
          model$,
          model$.pipe(
            take(1),
            switchMap(() => map$),
          ),
        ),
      ),
    ),
  });
}
