import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/core/batch/index.js';
import { openRun } from '../../src/core/run/index.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The example package as its user has it: in a folder of its own, rxnas installed beside it. */
const folder = mkdtempSync(join(tmpdir(), 'rxnas-example-'));
cpSync(join(root, 'examples', 'custom-operator'), folder, { recursive: true });
mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules', 'rxnas'));
symlinkSync(join(root, 'node_modules', 'rxjs'), join(folder, 'node_modules', 'rxjs'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (...args: string[]) => run(process.execPath, args, { cwd: folder });
const rxnas = (...args: string[]) => node(join(root, 'bin', 'rxnas.mjs'), ...args);

describe('the example package', () => {
  it('compiles against the types of rxnas', async () => {
    await node(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
  });

  it('passes its own tests', async () => {
    const { stdout } = await node('--test', '--test-reporter=tap', 'test/components.test.mjs');
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(30);
  });

  it('is linted, described and in the schema like the components of rxnas', async () => {
    await rxnas('lint', 'curriculum.yaml');
    const { stdout } = await rxnas('describe', 'nearFirst', '--use', './src/index.ts');
    expect(stdout).toMatch(/^steps +whole number +steps +1000 +1 … 1,000,000 /m);
    const schema = JSON.parse((await rxnas('schema', '--use', './src/index.ts', '--json')).stdout);
    expect(Object.keys(schema.definitions.loss.anyOf[1].properties)).toContain('BinomialDeviance');
    const wrong = await rxnas('run', 'curriculum.yaml', '--set', 'nearFirst.form=2').catch((error) => error);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean 'from'?") });
  });

  it('pretrains with its operator, its loss and its space, the same bits each time; resume and replay know it', async () => {
    const start = (out: string) => rxnas('run', 'curriculum.yaml', '--set', 'anchors.steps=20', '--out', out);
    const [{ stdout }] = await Promise.all([start('a'), start('b')]);
    expect(stdout).toMatch(/^nearFirst +1,280 +1,280 /m);
    const rows = (dir: string) =>
      [...openRun(join(folder, dir)).records({ events: ['step'] })].flatMap(({ batch }) => [
        ...rowsOf(batch),
      ]);
    expect(rows('a')).toHaveLength(20);
    expect(rows('b')).toEqual(rows('a'));
    await rxnas('replay', 'a', '--verify');
    expect(JSON.parse(readFileSync(join(folder, 'a', 'manifest.json'), 'utf8')).status).toBe('done');
  });
});
