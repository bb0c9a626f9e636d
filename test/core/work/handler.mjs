/* What the units of the tests do, in whatever process. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** @param dataError that of the code that is tested */
export const handler =
  (dataError) =>
  async ({ kind, value, file }) => {
    switch (kind) {
      case 'echo':
        await wait(value?.wait ?? 0);
        return { value, pid: process.pid };
      case 'count': // how often it was done
        if (file) appendFileSync(file, `${value}\n`);
        await wait(5);
        return { value, pid: process.pid };
      case 'busy': // lets the event loop run between its steps, as a training does
        if (file) appendFileSync(file, `${process.pid}\n`);
        for (;;) await wait(1);
      case 'die once':
        if (existsSync(file)) return { value, pid: process.pid };
        writeFileSync(file, '');
        return process.kill(process.pid, 'SIGKILL');
      case 'die':
        console.error('libtensorflow: out of memory');
        return process.exit(7);
      case 'throw once':
        if (existsSync(file)) return { value, pid: process.pid };
        writeFileSync(file, '');
        throw new Error('a mistake of ours');
      case 'throw':
        throw new Error('a mistake of ours');
      case 'refuse':
        throw dataError('the images are missing', 'fetch them');
      default:
        return Number.NaN;
    }
  };
