import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { resolvedSpec } from '../../src/core/spec/resolved.js';
import { embedSpec } from '../../src/jobs/settings.js';
import { readSpecFile } from '../../src/pipelines/fromSpec/index.js';
import { rxnas } from '../support/rxnas.js';
import { smallPretraining } from '../support/smallPretraining.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const readParquet = (file: string) => {
  const bytes = new Uint8Array(readFileSync(file));
  return parquetReadObjects({ file: bytes.buffer }) as Promise<Record<string, never>[]>;
};

describe('rxnas embed', () => {
  it('writes cells with hash, tokens, accuracy and place, the same each time', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    await smallPretraining(run, { space: 'nasbench101' });
    const embed = async (name: string, ...more: string[]) => {
      const out = join(folder, name);
      const said = await rxnas([
        ...['embed', '--controller', run, '--cells', '400', '--engine', 'simd', '--threads', '1'],
        ...['--umap-sample', '120', '--neighbors', '8', '--benchmark', 'mnist-cells5', '--out', out, ...more],
      ]);
      expect(said, said.stderr).toMatchObject({ code: 0 });
      return readParquet(join(out, 'embeddings-000.parquet'));
    };
    const rows = await embed('a');
    expect(rows).toHaveLength(400);
    expect(Object.keys(rows[0]!)).toEqual(
      'cell hash embedding tokens validation test umap_x umap_y'.split(' '),
    );
    expect(rows[0]).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((rows[0]!.embedding as number[]).length).toBe(16);
    expect((rows[0]!.tokens as number[]).length).toBe(27);
    expect(rows.every(({ umap_x, umap_y }) => Number.isFinite(umap_x) && Number.isFinite(umap_y))).toBe(true);
    expect(await embed('b')).toEqual(rows);
    const cosine = await embed('c', '--metric', 'cosine');
    expect(cosine.map(({ embedding }) => embedding)).toEqual(rows.map(({ embedding }) => embedding));
    expect(cosine.map(({ umap_x }) => umap_x)).not.toEqual(rows.map(({ umap_x }) => umap_x));
  });

  it('is the preset, without what adds columns', async () => {
    const { spec } = await embedSpec({ controller: 'runs/x', space: 'nasbench101' });
    const preset = resolvedSpec((await readSpecFile('embed')).spec);
    expect(resolvedSpec(spec)).toEqual({ ...preset, controller: 'runs/x' });
  });

  it('says what is wrong', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    await smallPretraining(run);
    for (const [args, code, what] of [
      [['--controller', folder], 3, 'holds no run'],
      [['--controller', run, '--space', 'nasbench101'], 3, 'made for nasbench201'],
      [['--controller', run, '--space', 'nasbench11'], 2, 'nasbench11'],
      [['--controller', run, '--benchmark', 'mnist-cells5'], 2, 'mnist-cells5'],
      [['--controller', run, '--umap', '--neighbors', '1'], 2, 'neighbors'],
    ] as const) {
      const said = await rxnas(['embed', ...args, '--out', join(folder, 'out')]);
      expect(said, said.stderr).toMatchObject({ code });
      expect(said.stderr).toContain(what);
      expect(said.stderr).not.toContain('    at ');
    }
  });
});
