import { spawn } from 'node:child_process';
import { defer, lastValueFrom, retry, switchMap, takeUntil, tap, throwError, timer } from 'rxjs';
import { exitCode, RxnasError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findRun } from '../../core/run/index.js';
import { watch } from '../../jobs/watch.js';
import { type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { runArgument } from '../shared.js';

export const watchCommand: Command = {
  usage: 'watch <run>',
  describe: 'The report of a run in the browser, live while the run goes on',
  ...runArgument,
  options: {
    ...runArgument.options,
    port: { type: 'number', describe: 'port of 127.0.0.1; default: one that is free' },
    open: { type: 'boolean', default: false, describe: 'open it in the browser' },
    map: { type: 'boolean', default: true, describe: 'the embedding map; --no-map leaves it out' },
    cells: { type: 'number', default: 4096, describe: 'cells of the map, at most' },
    benchmark: { type: 'string', describe: 'accuracies on the map; default: the benchmark of the run' },
    wait: { type: 'boolean', default: false, describe: 'wait for a run that is not there yet' },
  },
  examples: [
    ['rxnas watch latest --open', 'the newest run'],
    ['rxnas watch runs/ms --wait --port 8080', 'one that is yet to be started'],
  ],
  stopsSafely: true,
  async run(args, output) {
    const port = args.port === undefined ? 0 : wholeNumber('port', args.port, 1, 65_535);
    const cells = args.map ? wholeNumber('cells', args.cells, 1, 100_000) : 0;
    let waits = false;
    const dir$ = defer(async () => findRun(args.run, args.root)).pipe(
      retry({
        delay(error) {
          const missing = error instanceof RxnasError && error.exitCode === exitCode.dataMissing;
          if (!args.wait || !missing) return throwError(() => error);
          if (!waits) output.note(`waiting for the run ${args.run}`);
          waits = true;
          return timer(500);
        },
      }),
    );
    await lastValueFrom(
      dir$.pipe(
        switchMap((dir) =>
          watch(dir, {
            port,
            cells,
            onNote: output.note,
            ...given({ benchmark: args.benchmark as string | undefined }),
          }).pipe(
            tap(({ url, port }) => {
              output.result({ url, port, run: dir }, () => url);
              output.note(`${dir} as it goes on; Ctrl-C ends this`);
              if (args.open) openBrowser(url, () => output.note(`no browser could be opened: open ${url}`));
            }),
          ),
        ),
        takeUntil(interrupted$),
      ),
      { defaultValue: undefined },
    );
    return exitCode.ok;
  },
};

/** With what the system opens addresses. */
const openers: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

function openBrowser(url: string, onFailure: () => void): void {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', onFailure);
  child.on('exit', (code) => {
    if (code !== 0) onFailure();
  });
  child.unref();
}
