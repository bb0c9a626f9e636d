import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { failure } from '../../src/core/errors.js';
import { sweepJob } from '../../src/jobs/sweep/job.js';
import { readSweep } from '../../src/pipelines/fromSpec/sweep.js';
import { here, smallSweep } from '../jobs/sweep/support.js';
import { rxnas } from '../support/rxnas.js';
import { smallPretraining } from '../support/smallPretraining.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const golden = 'test/golden/runs';

/** What stands in the page, from its file. */
function modelIn(file: string, id = 'model-data') {
  const [, json] = new RegExp(`id="${id}">(.*?)</script>`, 's').exec(readFileSync(file, 'utf8')) ?? [];
  return json === undefined ? undefined : JSON.parse(json);
}

describe('rxnas report', () => {
  it('writes a page of runs, without a map where none has a controller', async () => {
    const out = join(temporaryFolder(), 'report.html');
    const { code, stdout } = await rxnas([
      'report',
      `${golden}/search-1`,
      `${golden}/pretrain-1`,
      '--out',
      out,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: out, cells: 0, bytes: readFileSync(out).length });
    const { runs, figures } = modelIn(out);
    expect(runs.map(({ name }: { name: string }) => name)).toEqual(['search-1', 'pretrain-1']);
    expect(figures).toEqual([]);
    expect(modelIn(out, 'map-data')).toBeUndefined();
  });

  it('shows all cells of a controller, or those that its run has logged, and the figures that were asked for', async () => {
    const folder = temporaryFolder();
    const [run, out] = [join(folder, 'run'), join(folder, 'report.html')];
    await smallPretraining(run);
    const report = (...args: string[]) =>
      rxnas(['report', run, '--out', out, '--engine', 'simd', '--quiet', ...args]);
    expect((await report('--figures', 'distances', 'reconstruction')).code).toBe(0);
    expect(modelIn(out, 'map-data')).toMatchObject({ rows: 15_625, space: 'nasbench201', accuracies: [] });
    const [distances] = modelIn(out).figures;
    expect(modelIn(out).figures).toHaveLength(2);
    expect(distances.svg).toMatch(/^<svg.*var\(--text\)/s);
    expect(distances.svg).not.toContain('#f0f0');
    expect((await report('--map', 'logged', '--umap', '--figures', 'none')).code).toBe(0);
    const { rows, layouts } = modelIn(out, 'map-data');
    expect(rows).toBe(64);
    expect(layouts.map(({ name }: { name: string }) => name)).toEqual(['UMAP', 'principal components']);
  });

  it('shows of a sweep that has not ended how its variants have done so far, and a pretraining of each loss', async () => {
    const folder = temporaryFolder();
    const [dir, out] = [join(folder, 'sweep'), join(folder, 'report.html')];
    const working = here({ folder: dir });
    const executor: typeof working = {
      ...working,
      async run(unit) {
        if (unit.name === 'pretrain-NoMetric-2') throw failure('the disk is full', 'make room');
        return working.run(unit);
      },
    };
    const sweep = await readSweep(smallSweep());
    await expect(sweepJob(sweep, { out: dir, stop: NEVER, executor })).rejects.toThrow('the disk is full');
    expect((await rxnas(['report', dir, '--out', out, '--map', 'none', '--figures', 'none'])).code).toBe(0);
    const { comparisons, panels } = modelIn(out);
    expect(comparisons[0].notes[0]).toBe('So far: the sweep has not ended.');
    expect(comparisons[0].rows).toMatchObject([
      { variant: 'TripletMargin', searches: 4 },
      { variant: 'NoMetric', searches: 2 },
      { variant: 'Random', searches: 4 },
    ]);
    const loss = panels.find(({ id }: { id: string }) => id === 'step-total');
    expect(loss.series.map(({ name }: { name: string }) => name).sort()).toEqual([
      'pretrain-NoMetric-1',
      'pretrain-TripletMargin-1',
    ]);
  });

  it('says in one message what is wrong, and keeps what stood there', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'report.html');
    writeFileSync(out, 'before');
    mkdirSync(join(folder, 'future'));
    writeFileSync(join(folder, 'future', 'manifest.json'), '{"format":"rxnas-run","version":99}');
    for (const [args, code, message] of [
      [['nowhere'], 3, /there is no run 'nowhere'/],
      [[join(folder, 'future')], 3, /has version 99; this rxnas reads up to 1.*newer rxnas/s],
      [[golden], 3, /holds no run/],
      [[`${golden}/search-1`, '--map', 'all'], 3, /no run has a controller.*--map none/s],
      [
        [`${golden}/pretrain-1`, '--figures', 'distance'],
        2,
        /unknown figure 'distance'.*did you mean 'distances'/s,
      ],
      [
        [`${golden}/search-1`, '--map', 'logged', '--benchmark', 'mnist-cells5'],
        3,
        /nasbench201.*mnist-cells5 is of nasbench101/s,
      ],
      [[`${golden}/search-1`, '--out', join(folder, 'report.pdf')], 2, /report.pdf is no HTML file.*\.html/s],
      [[`${golden}/search-1`, '--out', join(out, 'below.html')], 1, /below.html/],
    ] as const) {
      const own = (args as readonly string[]).includes('--out') ? [] : ['--out', out];
      const outcome = await rxnas(['report', ...args, ...own]);
      expect(outcome.stderr, args.join(' ')).toMatch(message);
      expect(outcome.stderr).not.toMatch(/\n {4}at /);
      expect(outcome.code, args.join(' ')).toBe(code);
    }
    expect(readFileSync(out, 'utf8')).toBe('before');
  });
});
