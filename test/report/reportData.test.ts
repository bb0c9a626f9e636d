import { describe, expect, it } from 'vitest';
import { type EventRow, eventSchemas } from '../../src/core/batch/index.js';
import { createRun, openRun, type StoredRun } from '../../src/core/run/index.js';
import { renderPage } from '../../src/report/renderPage.js';
import { readRun, reportModel } from '../../src/report/reportData.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const golden = (name: string) => openRun(`test/golden/runs/${name}`);
const report = (...runs: StoredRun[]) => reportModel(runs.map(readRun));

describe('the model of a report', () => {
  it('says what a pretraining and a search are, how they went, and how they are made again', () => {
    const { title, runs, panels } = report(golden('pretrain-1'), golden('search-1'));
    expect(title).toBe('2 runs');
    expect(runs.map(({ name, kind, state }) => [name, kind, state])).toEqual([
      ['pretrain-1', 'pretrain', 'done'],
      ['search-1', 'search-nao', 'done'],
    ]);
    expect(runs[1]!.figures.find(({ name }) => name === 'best test')).toMatchObject({ unit: 'fraction' });
    expect(panels.map(({ id }) => id)).toEqual([
      'query-best_test',
      'query-best_validation',
      'query-regret',
      'step-total',
      'step-reconstruction',
      'step-metric',
      'step-spread',
      'step-effective_rank',
      'step-gradient_norm',
    ]);
    const [best] = panels[0]!.series;
    expect(best!.x).toHaveLength(30);
    expect(best!.y).toEqual([...best!.y].sort()); // what was best so far never falls
    expect(best!.low).toBeUndefined();
  });

  it('of a long run shows means of stretches and the middle of their values', async () => {
    const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec: {}, seed: 1 });
    const rest = { epoch: 0, reconstruction: 1, metric: Number.NaN, mined: 0, learning_rate: 0 };
    for (let step = 0; step < 4000; step++) {
      run.append('step', {
        ...{ step, total: step % 10, ...rest },
        ...{ gradient_norm: 0, spread: 0, effective_rank: 0 },
      });
    }
    run.close();
    const { runs, panels } = report(openRun(run.dir));
    expect(runs[0]!.state).toBe('dead');
    expect(panels.map(({ id }) => id)).not.toContain('step-metric'); // no value in it
    const [{ x, y, low, high }] = panels[0]!.series as [Required<(typeof panels)[0]['series'][0]>];
    expect(x).toEqual(Array.from({ length: 400 }, (_, i) => 10 * (i + 1)));
    expect(new Set(y)).toEqual(new Set([4.5]));
    expect(new Set(low)).toEqual(new Set([1]));
    expect(new Set(high)).toEqual(new Set([8]));
  });

  it('averages searches that differ in their seed', async () => {
    const run = await createRun({ kind: 'sweep', root: temporaryFolder(), spec: {}, seed: 1 });
    const lengths = [3, 2];
    for (const [seed, queries] of lengths.entries()) {
      for (let query = 1; query <= queries; query++) {
        const best = (query + seed) / 10;
        run.append('result', {
          ...{
            query,
            round: 0,
            cell: query,
            hash: '',
            searcher: 'random',
            origin: '',
            validation: 0,
            test: 0,
          },
          ...{ best_validation: best, best_test: best, regret: Number.NaN, rank: 0, seconds: 1 },
          ...{ variant: 'random', loss: '', pretrain_seed: seed, seed, protocol: 'V' },
        });
      }
    }
    run.close();
    const [best] = report(openRun(run.dir)).panels[0]!.series;
    // The second search ended after two queries with 0.3, which it keeps.
    expect(best).toMatchObject({ name: 'random (2 searches)', x: [1, 2, 3] });
    expect(best!.y.map((value) => value!.toFixed(3))).toEqual(['0.150', '0.250', '0.300']);
    expect(best!.low![0]!).toBeCloseTo(0.1, 12);
    expect(best!.high![0]!).toBeCloseTo(0.2, 12);
  });
});

describe('the comparison of a sweep', () => {
  /** A sweep that has ended with these summaries; what is not said is 0, '' or unknown. */
  async function sweep(rows: Partial<EventRow<'summary'>>[]) {
    const run = await createRun({
      kind: 'sweep',
      root: temporaryFolder(),
      spec: { benchmark: 'nasbench101' },
      seed: 1,
    });
    const empty = Object.fromEntries(
      eventSchemas.summary.fields.map(({ name, type }) => [
        name,
        type.toString() === 'Utf8' ? '' : type.toString() === 'Int32' ? 0 : Number.NaN,
      ]),
    );
    run.append('summary', rows.map((row) => ({ ...empty, protocol: 'V', ...row })) as EventRow<'summary'>[]);
    run.close();
    return report(openRun(run.dir)).comparisons;
  }

  it('has a row a variant, what was published, and what the accuracies are', async () => {
    const [comparison] = await sweep([
      {
        variant: 'NCA',
        searches: 4,
        test: 0.94,
        test_std: 0.01,
        against: 'NoMetric',
        test_difference: 0.002,
        test_p: 0.03,
        published_test: 0.943,
      },
      { variant: 'NoMetric', searches: 4, test: 0.938 },
      { variant: 'Margin', searches: 0 },
    ]);
    expect(comparison).toMatchObject({ against: 'NoMetric', published: true });
    expect(comparison!.rows.map(({ variant }) => variant)).toEqual(['NCA', 'NoMetric']); // the third has not searched
    expect(comparison!.rows[0]).toMatchObject({
      test: 0.94,
      testStd: 0.01,
      difference: 0.002,
      low: null,
      p: 0.03,
      rank: null,
    });
    expect(comparison!.notes.join(' ')).toMatch(/^Protocol V: .*validation simulated/);
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
  });

  it('is missing before the first search has ended', async () => {
    expect(await sweep([])).toEqual([]);
  });
});

describe('the page', () => {
  const model = reportModel([readRun(golden('search-1'))], { title: '</script><!-- <script> & "quotes"' });

  it('is one file that asks for nothing, and holds the model to the letter', () => {
    const html = renderPage(model);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toContain('connect-src');
    expect(html).not.toMatch(/<(?:link|img|script|iframe)[^>]+(?:src|href)=/);
    const [, json] = /<script type="application\/json" id="model-data">(.*?)<\/script>/s.exec(html)!;
    expect(JSON.parse(json!)).toEqual(JSON.parse(JSON.stringify(model)));
    expect(html).toContain(
      '<title>&#60;/script&#62;&#60;!-- &#60;script&#62; &#38; &#34;quotes&#34; – rxnas',
    );
  });

  it('asks its own server alone where it is live', () => {
    const html = renderPage(model, { live: { events: '/events', nonce: 'once' } });
    expect(html).toContain("connect-src 'self'");
    expect(html).toContain('data-live="/events"');
    expect(html).toContain('<script nonce="once">');
  });
});
