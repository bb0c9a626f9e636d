import { concat, defer, from, Observable, switchMap } from 'rxjs';
import { StageMeters } from '../../core/meter.js';
import { type ReadOptions, type ReadSpec, readSpec } from './read.js';
import { openSpec } from './resources.js';
import { type Host, noHost, type Session } from './session.js';
import { phaseStream } from './stages.js';

export { type LintResult, lintFile } from './lint.js';
export { type ReadOptions, type ReadSpec, readSpec, readSpecFile } from './read.js';
export { spaceOf } from './resources.js';
export { runSpecTests, type SpecTestResult } from './specTests.js';

export interface FromSpecOptions extends ReadOptions {
  /** Takes what `record` logs. */
  run?: Host['run'];
  /** Its first value ends the sources; batches that are held are still worked on. */
  stop?: Host['stop'];
}

/**
 * The pipeline of a spec, as RxJS: what its last stage gives, phase after phase. Engine, controller and benchmark are opened when it is
 * subscribed to, and freed with the subscription. It makes no run folder: rows that the spec records go to `run`, or nowhere.
 *
 * Errors with exit code 2 where the spec is wrong, naming the place.
 * @param spec YAML or JSON text, a plain object, or what `readSpecFile` gave
 */
export function pipelineFromSpec(
  spec: string | object | ReadSpec,
  options: FromSpecOptions = {},
): Observable<unknown> {
  const isRead = (given: string | object): given is ReadSpec =>
    typeof given === 'object' && 'registry' in given;
  return defer(async () => (isRead(spec) ? spec : readSpec(spec, options))).pipe(
    switchMap((read) => running(read, options)),
  );
}

function running({ spec, registry }: ReadSpec, { run, stop }: FromSpecOptions): Observable<unknown> {
  return new Observable((subscriber) => {
    const opening = openSpec(spec, registry).then(async (opened) => {
      await opened.openController();
      return opened;
    });
    let stopped = false;
    const rows = from(opening).pipe(
      switchMap((resources) => {
        const host: Host = {
          ...noHost,
          ...(run && { run }),
          ...(stop && { stop }),
          onStopped: () => {
            stopped = true;
          },
        };
        const session: Session = { spec, registry, resources, host, meters: new StageMeters() };
        return concat(
          ...spec.phases.map((phase) => defer(() => (stopped ? [] : phaseStream(session, phase)))),
        );
      }),
    );
    const dispose = () => opening.then((opened) => opened.dispose());
    const subscription = rows.subscribe({
      next: (row) => subscriber.next(row),
      error: (error) => {
        dispose().catch(() => {});
        subscriber.error(error);
      },
      // Not before all is free: what comes next may open the same.
      complete: () =>
        void dispose().then(
          () => subscriber.complete(),
          (error) => subscriber.error(error),
        ),
    });
    return () => {
      if (subscription.closed) return;
      subscription.unsubscribe();
      dispose().catch(() => {});
    };
  });
}
