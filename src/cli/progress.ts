import { MultiBar, type SingleBar } from 'cli-progress';

/** One line of progress: how far, how fast, how long still. */
export interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

/** The progress lines of one command. On a terminal they are bars, elsewhere a plain line every few seconds. */
export interface ProgressBoard {
  add(name: string, total: number, unit: string): Progress;
  stop(): void;
}

const lineEvery = 5_000;

const duration = (seconds: number) => {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  const [whole, rest, unit] = s < 3600 ? [s / 60, s % 60, 'min'] : [s / 3600, (s / 60) % 60, 'h'];
  return `${Math.floor(whole)}:${String(Math.floor(rest)).padStart(2, '0')} ${unit}`;
};

/** `3.4/s`, or by the minute or hour where that is slow. */
const rateText = (perSecond: number) => {
  const [value, unit] =
    perSecond >= 0.1
      ? [perSecond, 's']
      : perSecond >= 0.1 / 60
        ? [perSecond * 60, 'min']
        : [perSecond * 3600, 'h'];
  return `${value.toFixed(value >= 10 ? 0 : 1)}/${unit}`;
};

export function progressBoard({ quiet = false }: { quiet?: boolean | undefined } = {}): ProgressBoard {
  if (quiet) return { add: () => ({ update() {}, stop() {} }), stop() {} };
  return process.stderr.isTTY ? bars() : lines();
}

/** Rate since the start (items a second) and the time that the rest takes at that rate. */
function meter(total: number) {
  const started = performance.now();
  let first: number | undefined;
  return (done: number) => {
    first ??= done;
    const seconds = (performance.now() - started) / 1000;
    // Before there is something to go by, no figure is better than a wrong one.
    if (done === first || seconds < 0.5) return { rate: '–/s', left: '–' };
    const rate = (done - first) / seconds;
    return { rate: rateText(rate), left: duration((total - done) / rate) };
  };
}

function bars(): ProgressBoard {
  const multi = new MultiBar({
    format: '{name} {bar} {percentage}% | {value}/{total} {unit} | {rate} | {left} left {note}',
    stream: process.stderr,
    barsize: 24,
    hideCursor: true,
    forceRedraw: true,
    gracefulExit: false,
    linewrap: false,
  });
  let stopped = false;
  return {
    add(name, total, unit) {
      const measure = meter(total);
      const bar: SingleBar = multi.create(total, 0, {
        name: name.padEnd(10),
        unit,
        rate: '–/s',
        left: '–',
        note: '',
      });
      return {
        update: (done, note = '') => bar.update(done, { ...measure(done), note }),
        stop: () => bar.stop(),
      };
    },
    stop() {
      if (stopped) return; // a second stop would draw the bars once more, below what was printed since
      stopped = true;
      multi.stop();
    },
  };
}

function lines(): ProgressBoard {
  return {
    add(name, total, unit) {
      const measure = meter(total);
      let last = performance.now();
      let latest: string | undefined;
      return {
        update(done, note = '') {
          const { rate, left } = measure(done);
          latest = `${name}: ${done}/${total} ${unit}, ${rate}, ${left} left ${note}`.trimEnd();
          const now = performance.now();
          if (now - last < lineEvery && done < total) return;
          last = now;
          process.stderr.write(`${latest}\n`);
          latest = undefined;
        },
        stop() {
          if (latest) process.stderr.write(`${latest}\n`);
          latest = undefined;
        },
      };
    },
    stop() {},
  };
}
