import { defer, filter, map, merge, Observable, scan, switchMap, takeWhile, throttle, timer } from 'rxjs';
import { type LogRecord, openRun, type Standing, StoredRun, watchRun } from '../../core/run/index.js';
import type { ReportModel } from '../../report/model.js';
import { reportModel } from '../../report/reportData.js';
import { RunRows } from '../../report/runRows.js';
import { Outcomes } from '../sweep/outcome.js';
import { summarise } from '../sweep/summary.js';
import { RunProgress } from './progress.js';

/** Milliseconds between two states of the page, at least. */
const leastRest = 1000;
/** Of the time, so much goes into making them at most. */
const share = 0.05;

/**
 * What the page of a run shows, as it changes: first what is there, then, as the run goes on, ends or is resumed, the newest state no
 * more than once a second. Reads only, and never ends. Fails as `readLog` does, with exit code 3 where the run's folder has gone.
 */
export function watchModel(dir: string): Observable<Partial<ReportModel>> {
  return defer(() => RunProgress.of(openRun(dir))).pipe(
    switchMap((progress) =>
      merge(followed(dir), looks(progress)).pipe(
        scan((watched, item) => watched.add(item), new Watched(dir, progress)),
        filter((watched) => watched.isRead),
        throttle((watched) => timer(watched.rest), { leading: true, trailing: true }),
        map((watched) => watched.model()),
      ),
    ),
  );
}

/** Milliseconds between two looks at what a run does outside its log. */
const lookEvery = 3000;

const looks = (progress: RunProgress): Observable<'look'> =>
  timer(0, lookEvery).pipe(
    takeWhile(() => progress.isHidden),
    map(() => 'look' as const),
  );

/** Asks for the next record when the last one was taken, so none is held. */
const followed = (dir: string): Observable<LogRecord | Standing> =>
  new Observable((subscriber) => {
    const stop = new AbortController();
    const follow = async () => {
      for await (const item of watchRun(dir, { signal: stop.signal })) subscriber.next(item);
    };
    follow().then(
      () => subscriber.complete(),
      (error) => subscriber.error(error),
    );
    return () => stop.abort();
  });

/** A run as far as it has been read. */
class Watched {
  readonly #rows = new RunRows();
  readonly #outcomes = new Outcomes();
  #standing: Standing | undefined;
  #made: string | undefined;
  rest = leastRest;

  constructor(
    readonly dir: string,
    readonly progress: RunProgress,
  ) {}

  add(item: LogRecord | Standing | 'look'): this {
    if (item === 'look') this.progress.look();
    else if ('state' in item) this.#standing = item;
    else {
      this.#rows.add(item);
      if (item.event === 'result') this.#outcomes.add(item);
      this.progress.mark(item, this.#rows);
    }
    return this;
  }

  /** Whether all was added that was there at the start. */
  get isRead(): boolean {
    return this.#standing !== undefined;
  }

  model(): ReportModel {
    const begun = performance.now();
    const { state, manifest } = this.#standing!;
    const { sweep } = this.progress;
    const goesOn = this.#rows.summaries.length === 0;
    const summaries = sweep && goesOn ? summarise(sweep, this.#outcomes.soFar()) : [];
    const model = reportModel([{ run: new StoredRun(this.dir, manifest), rows: this.#rows, summaries }]);
    this.#made ??= model.made;
    this.rest = Math.max(leastRest, (performance.now() - begun) / share);
    const progress = this.progress.progress(this.#rows);
    return { ...model, made: this.#made, live: { state, progress } };
  }
}
