import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createRun } from '../../src/core/run/index.js';
import type { ReportModel } from '../../src/report/model.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

// Whole programs are started, a dozen seconds of work where the machine is busy.
vi.setConfig({ testTimeout: 180_000 });

const small = '--space nasbench201 --batch 32 --engine simd --threads 1 --embed 0'.split(' ');

/** Reads the events of a watched run until `want` accepts what they say together. */
function modelOf(url: string, want: (model: Partial<ReportModel>) => boolean): Promise<Partial<ReportModel>> {
  return new Promise((resolve, reject) => {
    const request = get(new URL('/events', url), (response) => {
      let [model, text] = [{}, ''];
      response.setEncoding('utf8').on('data', (part: string) => {
        const blocks = (text + part).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) {
          const data = /^data: (.+)$/m.exec(block)?.[1];
          if (data) model = { ...model, ...JSON.parse(data) };
        }
        if (!want(model)) return;
        request.destroy();
        resolve(model);
      });
    }).on('error', reject);
  });
}

it('waits for a run that another process starts, serves it to its end, and ends at Ctrl-C', async () => {
  const dir = join(temporaryFolder(), 'run');
  let model: Partial<ReportModel> | undefined;
  const pretrain = () => rxnas(['pretrain', ...small, '--steps', '60', '--out', dir, '--quiet']);
  const { code, stderr } = await rxnas(['watch', dir, '--wait', '--json'], (child) => {
    child.stderr!.once('data', () => void pretrain());
    child.stdout!.once('data', async (line) => {
      const { url } = JSON.parse(line) as { url: string };
      model = await modelOf(url, ({ live }) => live?.state === 'done');
      child.kill('SIGINT');
    });
  });
  expect(code).toBe(0);
  expect(stderr).toContain('waiting for the run');
  expect(model!.live!.progress).toMatchObject([{ unit: 'steps', done: 60, total: 60 }]);
  expect(model!.panels!.find(({ id }) => id === 'step-total')!.series[0]!.x.at(-1)).toBe(60);
});

it('says what is wrong with its arguments', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const run = await createRun({ kind: 'test', root: temporaryFolder(), spec: {}, seed: 1 });
  run.close();
  const [inUse, none, wrong, unknown] = await Promise.all([
    rxnas(['watch', run.dir, '--port', String(port)]),
    rxnas(['watch', join(run.dir, 'no')]),
    rxnas(['watch', run.dir, '--port', '70000']),
    rxnas(['watch', run.dir, '--benchmark', 'nothing']),
  ]);
  expect(inUse.code).toBe(1);
  expect(inUse.stderr).toBe(
    `rxnas: port ${port} of 127.0.0.1 is in use\n       give another with --port, or leave it out for one that is free\n`,
  );
  expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no run') });
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("'nothing'") });
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--port is 70000') });
});
