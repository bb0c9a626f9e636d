import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * A Python that has pyarrow and pandas: `RXNAS_PYTHON`, else `python3`; undefined where there is none. Tests that need it then skip,
 * visibly (`describe.skipIf(!python)`).
 */
export const python: string | undefined = [process.env.RXNAS_PYTHON, 'python3'].find((command) => {
  if (!command) return false;
  try {
    execFileSync(command, ['-c', 'import pyarrow, pandas'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

/** Whether it has these packages; they are looked for, not imported, which takes some of them many seconds. */
export function pythonHas(...packages: readonly string[]): boolean {
  if (!python) return false;
  const missing = `[name for name in ${JSON.stringify(packages)} if importlib.util.find_spec(name) is None]`;
  try {
    execFileSync(python, ['-c', `import importlib.util, sys; sys.exit(len(${missing}))`], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** A Python process that answers a line of JSON with a line of JSON, in turn. */
export function startPython(script: URL) {
  const child = spawn(python!, [fileURLToPath(script)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question: unknown): Promise<unknown> {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`python ended while it was asked ${JSON.stringify(question)}`);
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}
