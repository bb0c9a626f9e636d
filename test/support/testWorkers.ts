import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../core/work/natsWorker.mjs', import.meta.url));

/** Starts a worker of the test kind (test/core/work/testKind.ts) in a process of its own; resolves when it takes work. */
export async function startTestWorker(url: string, slots: number, lease?: number): Promise<ChildProcess> {
  const args = [script, url, String(slots), ...(lease === undefined ? [] : [String(lease)])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! });
  await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the worker has ended'))),
  ]);
  return child;
}

/** Ends a process at once; resolves when it is gone. */
export async function kill9(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
