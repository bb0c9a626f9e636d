import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Commit of the working folder and whether tracked files differ from it; undefined where there is no git repository. */
export async function gitState(cwd = process.cwd()): Promise<{ commit: string; dirty: boolean } | undefined> {
  const git = async (...args: string[]) => (await run('git', args, { cwd, timeout: 5000 })).stdout.trim();
  try {
    const [commit, changes] = await Promise.all([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    return { commit, dirty: changes !== '' };
  } catch {
    return undefined;
  }
}
