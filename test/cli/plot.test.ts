import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { rxnas } from '../support/rxnas.js';
import { smallPretraining } from '../support/smallPretraining.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const golden = (name: string) => fileURLToPath(new URL(`../golden/runs/${name}`, import.meta.url));
const small = ['--engine', 'simd', '--threads', '1', '--cells', '120', '--pairs', '200'];

describe('rxnas plot', () => {
  it('lists the figures', async () => {
    const { code, stdout } = await rxnas(['plot', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toContain('embedding-distance');
  });

  it('draws what runs have logged, with its data', async () => {
    const folder = temporaryFolder();
    const [out, data] = [join(folder, 'curves.svg'), join(folder, 'curves.csv')];
    const drawn = await rxnas([
      ...['plot', golden('search-1'), '--figure', 'curves', '--out', out, '--data', data, '--json'],
    ]);
    expect(drawn, drawn.stderr).toMatchObject({ code: 0 });
    const { description, rows } = JSON.parse(drawn.stdout);
    expect(description).toContain('queries');
    expect(readFileSync(out, 'utf8')).toMatch(/^<svg/);
    const lines = readFileSync(data, 'utf8').trim().split('\n');
    expect(lines[0]).toBe('name,seeds,query,mean,low,high');
    expect(lines).toHaveLength(rows.length + 1);
  });

  it('embeds cells for figures of embeddings, the same each time', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    await smallPretraining(run);
    const draw = async (name: string) => {
      const [out, data] = [join(folder, `${name}.png`), join(folder, `${name}.parquet`)];
      const drawn = await rxnas([
        ...['plot', run, '--figure', 'embedding-distance', ...small],
        ...['--out', out, '--data', data, '--theme', 'dark'],
      ]);
      expect(drawn, drawn.stderr).toMatchObject({ code: 0 });
      return { png: readFileSync(out), data };
    };
    const [first, second] = [await draw('a'), await draw('b')];
    expect(first.png.equals(second.png)).toBe(true);
    const { buffer } = new Uint8Array(readFileSync(first.data));
    const rows = await parquetReadObjects({ file: buffer });
    expect(new Set(rows.map(({ name }) => name)).size).toBe(2);
    expect(rows).toHaveLength(14);
  });

  it.each([
    ['an unknown figure', ['--figure', 'curve'], 2, "unknown figure 'curve'", "did you mean 'curves'"],
    ['an unknown ending', ['--figure', 'loss', '--out', 'x.gif'], 2, 'x.gif', '.svg'],
    ['an unknown ending of the data', ['--figure', 'loss', '--data', 'x.xls'], 2, 'x.xls', '.csv'],
    ['an unknown theme', ['--figure', 'loss', '--theme', 'drak'], 2, "unknown theme 'drak'", "'dark'"],
    ['no run', ['--figure', 'loss'], 2, 'is about runs', 'RUN'],
    ['a run that is not there', ['nothing/here', '--figure', 'loss'], 3, 'nothing/here', 'rxnas runs'],
    ['a run without steps', [golden('search-1'), '--figure', 'loss'], 3, 'no training steps', 'pretraining'],
    ['a run without queries', [golden('pretrain-1'), '--figure', 'curves'], 3, 'no queries', 'search'],
    ['a figure without its benchmark', ['--figure', 'accuracy-distance'], 2, 'accuracies', '--benchmark'],
  ])('says what is wrong: %s', async (_, args, code, what, hint) => {
    const said = await rxnas(['plot', ...args]);
    expect(said.code).toBe(code);
    expect(said.stderr).toContain(what);
    expect(said.stderr).toContain(hint);
    expect(said.stderr).not.toContain('    at ');
    expect(existsSync('loss.svg')).toBe(false);
  });
});
