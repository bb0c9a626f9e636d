import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import { sharedData } from '../support/sharedData.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tensorflowFile } from '../support/tfRecords.js';

/** The command in this process, its output caught; tables are found by name in a folder of its own. */
async function rxnas(home: string, ...args: string[]) {
  vi.stubEnv('RXNAS_HOME', home);
  const [out, err]: [string[], string[]] = [[], []];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0),
  ];
  try {
    const code = await main(args);
    return { code, out: out.join(''), err: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** Not one of the six cells of the file. */
const chain = 'conv3x3 conv3x3 conv3x3 conv1x1 conv1x1 | 01 12 23 34 45 56';

describe('rxnas benchmark import', () => {
  it('makes NAS-Bench-101’s own file a table that is found by name', async () => {
    const home = temporaryFolder();
    const { code, out, err } = await rxnas(home, 'benchmark', 'import', tensorflowFile);
    expect(code).toBe(0);
    expect(out).toMatch(/^6 cells of nasbench101 from 72 records$/m);
    expect(out).toMatch(/duplicates 0, unknown cells 0, missing repeats 0/);
    expect(out).toMatch(/next: rxnas search --benchmark nasbench101$/m);
    expect(err).toMatch(/note: 423,618 cells of nasbench101 are not in it/);
    expect(readdirSync(join(home, 'benchmarks'))).toEqual(['nasbench101.arrow']);

    const list = await rxnas(home, 'benchmark', 'list', '--json');
    expect(JSON.parse(list.out)).toContainEqual(expect.objectContaining({ name: 'nasbench101', cells: 6 }));
    const described = await rxnas(home, 'benchmark', 'describe', 'nasbench101#12', '--json');
    expect(JSON.parse(described.out)).toMatchObject({ cells: 6, statistics: { repeats: 3 } });
    const looked = await rxnas(home, 'benchmark', 'lookup', 'nasbench101', chain);
    expect(looked.code).toBe(3);
    expect(looked.err).toMatch(/does not have the cell/);
  });

  it('makes any table one that is searched at once', async () => {
    const [home, file] = [temporaryFolder(), join(temporaryFolder(), 'mine.csv')];
    const arch = (ops: string[]) =>
      `|${ops[0]}~0|+|${ops[1]}~0|${ops[2]}~1|+|${ops[3]}~0|${ops[4]}~1|${ops[5]}~2|`;
    const operations = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'];
    const rows = Array.from({ length: 5 ** 6 }, (_, code) => {
      const ops = Array.from({ length: 6 }, (_, edge) => Math.floor(code / 5 ** edge) % 5);
      const accuracy = 0.5 + ops.filter((op) => op === 3).length / 20;
      return `${arch(ops.map((op) => operations[op]!))},${accuracy},${accuracy - 0.01}`;
    });
    writeFileSync(file, ['arch,v,t', ...rows].join('\n'));
    const columns = ['--space', 'nasbench201', '--key', 'arch', '--valid', 'v', '--test', 't'];
    const more = ['--dataset', 'made-up', '--out', 'mine', '--json', '--quiet'];
    const imported = await rxnas(home, 'benchmark', 'import', file, ...columns, ...more);
    expect(imported).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(imported.out)).toMatchObject({
      ...{ cells: 15_625, missingCells: 0, rows: 15_625, best: 0.79, duplicates: 0, unknown: 0 },
      ...{ table: join(home, 'benchmarks', 'mine.arrow'), groups: [{ dataset: 'made-up' }] },
    });
    const run = join(home, 'run');
    const search = [
      'search',
      '--searcher',
      'random',
      '--benchmark',
      'mine',
      '--queries',
      '40',
      '--initial',
      '20',
    ];
    const { code, out } = await rxnas(home, ...search, '--out', run, '--json', '--quiet');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ queries: 40, status: 'done' });
    const { data } = JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'));
    expect(data).toEqual({ 'mine.arrow': expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('refuses what cannot be, with what to do, and leaves no table', async () => {
    const home = temporaryFolder();
    const damaged = join(home, 'damaged.tfrecord');
    const bytes = readFileSync(tensorflowFile);
    bytes[5000]! ^= 1;
    writeFileSync(damaged, bytes);
    const wrong = async (code: number, message: RegExp, ...args: string[]) => {
      const result = await rxnas(home, 'benchmark', 'import', ...args);
      expect(result.err).toMatch(message);
      expect(result).toMatchObject({ code, out: '' });
    };
    await wrong(3, /record 14 at byte [\d,]+ is damaged/, damaged);
    await wrong(3, /there is no file nowhere\.csv/, 'nowhere.csv', '--space', 'nasbench101');
    await wrong(2, /nothing to import/);
    await wrong(2, /several sources/, damaged, '--from-file', damaged);
    await wrong(2, /only NAS-Bench-101 has/, tensorflowFile, '--space', 'nasbench201');
    await wrong(2, /the table is an Arrow file[\s\S]*t\.arrow/, tensorflowFile, '--out', 't.parquet');
    const table = join(home, 't.csv');
    writeFileSync(table, 'arch,valid_accuracy,tset\n');
    await wrong(2, /needs the space/, table);
    await wrong(
      2,
      /no column 'valid_acuracy'[\s\S]*did you mean 'valid_accuracy'/,
      table,
      '--space',
      'nasbench201',
      '--valid',
      'valid_acuracy',
    );
    expect(existsSync(join(home, 'benchmarks', 'nasbench101.arrow'))).toBe(false);
    expect(readdirSync(join(home, 'benchmarks'))).toEqual([]);
  });

  const real = sharedData('nasbench201-cifar10.parquet');
  it.skipIf(!real)('knows the columns of the real tables', async () => {
    const home = temporaryFolder();
    const { code, out } = await rxnas(home, 'benchmark', 'import', real!, '--space', 'nasbench201');
    expect(code).toBe(0);
    expect(out).toMatch(/15,625 cells/);
    expect(out).toMatch(/as published: best test accuracy on cifar10 after 200 epochs, 94\.37 %/);
  });
});
