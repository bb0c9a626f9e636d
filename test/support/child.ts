import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const viteNode = fileURLToPath(new URL('../../node_modules/vite-node/vite-node.mjs', import.meta.url));

export interface Child {
  process: ChildProcess;
  /** Lines of its stdout as they come. */
  lines: AsyncIterableIterator<string>;
  /** Signal or exit code with which it ended. */
  ended: Promise<NodeJS.Signals | number | null>;
}

/** Run a TypeScript file of the tests (a URL beside the test) in a process of its own. */
export function startChild(script: URL, ...args: string[]): Child {
  const child = spawn(process.execPath, [viteNode, fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    process: child,
    lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator](),
    ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  };
}
