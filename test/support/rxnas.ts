import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/rxnas.mjs', import.meta.url));

export interface Outcome {
  /** Exit code; null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs the real, built command; `started` is given the process, `env` is added to the environment, `within` stands before the
 * command (`ip netns exec NAME`).
 */
export function rxnas(
  args: readonly string[],
  started?: (child: ChildProcess) => void,
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [command, ...all] = [...within, process.execPath, program, ...args];
    const child = spawn(command!, all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    started?.(child);
  });
}
