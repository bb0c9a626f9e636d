import { setTimeout as pause } from 'node:timers/promises';
import { exitCode } from '../../core/errors.js';
import { connectNats } from '../../core/nats/connection.js';
import { type WorkStatus, workStatus } from '../../core/nats/workers.js';
import { type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { table, thousands } from '../output.js';
import { natsOption } from '../shared.js';

export const workersCommand: Command = {
  usage: 'workers',
  describe: 'Who does what on a NATS server: workers, their units, rates, failures; the queue',
  options: {
    ...natsOption,
    watch: {
      type: 'number',
      requiresArg: false,
      describe: 'again every so many seconds (2), until Ctrl-C',
    },
  },
  examples: [
    ['rxnas workers --nats nats://host:4222', 'as it stands now'],
    ['rxnas workers --nats nats://host:4222 --watch 5', 'again every five seconds'],
    ['rxnas workers --json', 'of the server that RXNAS_NATS_URL names, one JSON document'],
  ],
  stopsSafely: true,
  async run({ nats: url, watch }, output) {
    const every = watch === undefined ? undefined : wholeNumber('watch', watch || 2, 1, 86_400);
    const nats = await connectNats(url);
    const stop = new AbortController();
    const subscription = interrupted$.subscribe(() => stop.abort());
    try {
      do {
        const status = await workStatus(nats);
        const now = Date.now();
        if (every !== undefined && process.stdout.isTTY && !output.json)
          process.stdout.write('\x1b[2J\x1b[H');
        output.result({ time: now, ...status }, () => statusLines(status, nats.where, now));
        if (every !== undefined)
          await pause(1000 * every, undefined, { signal: stop.signal }).catch(() => {});
      } while (every !== undefined && !stop.signal.aborted);
      return exitCode.ok;
    } finally {
      subscription.unsubscribe();
      await nats.close();
    }
  },
};

function statusLines({ workers, queue, aside }: WorkStatus, where: string, now: number): string[] {
  const rows = workers.map(({ id, slots, since, heard, done, failed, refused, isLeaving, units }) => {
    const minutes = (now - since) / 60_000;
    const [first, ...others] = units;
    const doing = first
      ? `${first.what} of ${first.run}, ${duration(now - first.since)}${others.length > 0 ? `, and ${others.length} more` : ''}`
      : 'nothing';
    return [
      ...[id, `${units.length}/${slots}`, done, (done / Math.max(minutes, 1 / 60)).toFixed(1)],
      ...[failed, refused, duration(now - since), duration(now - heard)],
      isLeaving ? `leaving; ${doing}` : doing,
    ];
  });
  return [
    ...(rows.length > 0
      ? table(['worker', 'busy', 'done', 'a minute', 'failed', 'refused', 'age', 'heard', 'does'], rows)
      : [`no worker at ${where}; start one: rxnas worker --nats nats://${where}`]),
    '',
    `queue: ${thousands(queue.waiting)} waiting, ${thousands(queue.underWay)} under way (${queue.again} not for the first time), ${thousands(queue.answers)} answers stored`,
    `set aside: ${aside.count}`,
    ...aside.newest.map(
      ({ what, run, attempts, reason }) => `  ${what} of ${run}, after ${attempts}: ${firstLine(reason)}`,
    ),
  ];
}

const firstLine = (text: string) => text.split('\n', 1)[0]!.slice(0, 200);

function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
