import { exitCode } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findRun, followRun, openRun } from '../../core/run/index.js';
import { type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { writeLines } from '../output.js';
import { linesOf } from '../rows.js';
import { runArgument } from '../shared.js';

export const tailCommand: Command = {
  usage: 'tail <run>',
  describe: 'Follow the rows of a run as they are logged, until it ends',
  ...runArgument,
  options: {
    ...runArgument.options,
    events: { type: 'string', array: true, describe: 'only these events; default: all' },
    rows: { type: 'number', default: 10, describe: 'rows that are there already to begin with' },
  },
  examples: [
    ['rxnas tail latest', 'the newest run: its last ten rows, then what comes'],
    ['rxnas tail runs/ms --events step --json', 'a JSON document a line'],
    ['rxnas tail latest --rows 0 --events warning stage', 'only what is new'],
  ],
  stopsSafely: true,
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    const most = wholeNumber('rows', args.rows, 0);
    const events = given({ events: args.events as string[] | undefined });
    const stop = new AbortController();
    const subscription = interrupted$.subscribe(() => stop.abort());
    try {
      const { lines, rows } = lastLines(dir, most, events, output.json);
      await writeLines(lines);
      const records = followRun(dir, { ...events, after: rows, signal: stop.signal });
      for (;;) {
        const { done, value } = await records.next();
        if (!done) {
          await writeLines(linesOf(value, output.json));
          continue;
        }
        if (value === 'running') return exitCode.interrupted;
        output.note(
          value === 'dead'
            ? `${dir}: its process is gone; go on with: rxnas resume ${dir}`
            : `${dir}: ${value}`,
        );
        return exitCode.ok;
      }
    } finally {
      subscription.unsubscribe();
    }
  },
};

/** The last lines of a log as it stands, and the rows that it holds. */
function lastLines(dir: string, most: number, events: { events?: string[] }, json: boolean) {
  const records = openRun(dir).records(events);
  let lines: string[] = [];
  for (;;) {
    const { done, value } = records.next();
    if (done) return { lines, rows: value.position.rows };
    lines = most === 0 ? [] : [...lines, ...linesOf(value, json)].slice(-most);
  }
}
