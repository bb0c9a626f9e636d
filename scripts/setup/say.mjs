import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One plain line of progress. On stderr: stdout belongs to the command that set-up makes ready. */
export const say = (line) => process.stderr.write(`setup: ${line}\n`);

/** What a user can act upon: printed without a stack trace, exit code 1. */
export class SetupError extends Error {}

/** A file-system error in words that say what to do. */
export function inWords(error, folder) {
  switch (error?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space left on the disk of ${folder}`;
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return `${error.path ?? folder} cannot be written (${error.code})`;
    default:
      return String(error?.message ?? error).split('\n')[0];
  }
}

/** Run `task`; what a user can act upon ends in one line and exit code 1. */
export async function reporting(task) {
  try {
    await task();
  } catch (error) {
    if (!(error instanceof SetupError) && !error?.syscall) throw error;
    say(error instanceof SetupError ? error.message : inWords(error, process.cwd()));
    process.exit(1);
  }
}

/** Whether the module of this URL is the program that node was started with. */
export const isMain = (url) =>
  Boolean(process.argv[1]) && realpathSync(process.argv[1]) === fileURLToPath(url);
