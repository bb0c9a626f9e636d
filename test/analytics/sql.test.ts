import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { exportSql, runSql } from '../../src/analytics/sql.js';
import { exportTable } from '../../src/core/run/index.js';

/** A pretraining and a search, without Parquet files: these are read from the logs. */
const root = fileURLToPath(new URL('../golden/runs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rxnas-sql-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = async (statement: string) => (await runSql(statement, { root })).rows;

describe('sql over runs', () => {
  it('lists the runs with what they are', async () => {
    expect(await rows('SELECT name, kind, status, space FROM runs ORDER BY name')).toEqual([
      ['pretrain-1', 'pretrain', 'done', 'nasbench201'],
      ['search-1', 'search-nao', 'done', 'nasbench201'],
    ]);
  });

  it('has the rows that the run logged', async () => {
    const csv = join(folder, 'metrics.csv');
    const { rows: steps } = await exportTable(join(root, 'pretrain-1'), 'metrics', 'csv', csv);
    const last = readFileSync(csv, 'utf8').trim().split('\n').at(-1)!.split(',').map(Number);
    expect(
      await rows(
        "SELECT count(*), last(step ORDER BY step), last(total ORDER BY step) FROM metrics WHERE run = 'pretrain-1'",
      ),
    ).toEqual([[steps, last[0], last[2]]]);
  });

  it('knows what the cells are made of', async () => {
    const [[cells, queried, edgesKnown]] = (await rows(
      'SELECT count(*), count(test), count(*) FILTER (hash = text) FROM cells',
    )) as [[number, number, number]];
    expect(cells).toBeGreaterThan(0);
    expect(queried).toBe((await rows('SELECT count(DISTINCT cell) FROM queries'))[0]![0]);
    expect(edgesKnown).toBe(cells); // in nasbench201 a cell's hash is its text
  });

  it('finds neighbours by embedding', async () => {
    const near = (await rows(
      `SELECT b.hash, list_cosine_similarity(a.embedding, b.embedding) AS s FROM embeddings AS a JOIN embeddings AS b USING (run)
       WHERE run = 'pretrain-1' AND a.cell = (SELECT min(cell) FROM embeddings WHERE run = 'pretrain-1') ORDER BY s DESC LIMIT 3`,
    )) as [string, number][];
    expect(near[0]![1]).toBeCloseTo(1, 5);
    expect(near[1]![1]).toBeLessThanOrEqual(near[0]![1]);
  });

  it('writes files', async () => {
    const file = join(folder, 'queries.parquet');
    const written = await exportSql('SELECT * FROM queries;', file, { root });
    expect(await rows(`SELECT count(*) FROM '${file}'`)).toEqual([[written]]);
    await expect(exportSql('SELECT 1', join(folder, 'x.txt'), { root })).rejects.toMatchObject({
      exitCode: 2,
    });
  });

  it('runs the statements of the guide', async () => {
    const guide = readFileSync(new URL('../../docs/analytics.md', import.meta.url), 'utf8');
    const statements = [...guide.matchAll(/^npx rxnas sql "([^"]*)"/gm)].map(([, statement]) => statement!);
    expect(statements.length).toBeGreaterThan(3);
    for (const statement of statements) await rows(statement);
  });

  it('runs without any run, and says what is wrong in a statement', async () => {
    expect((await runSql('SELECT count(*) FROM cells', { root: join(folder, 'none') })).rows).toEqual([[0]]);
    await expect(runSql('SELECT loss FROM run', { root })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('run'),
      hint: expect.stringContaining('queries'),
    });
  });
});
