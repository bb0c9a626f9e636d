import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRun } from '../../src/core/run/index.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const golden = 'test/golden/runs';

describe('rxnas runs', () => {
  it('lists runs, dead and broken ones among them', async () => {
    const root = temporaryFolder();
    (await createRun({ kind: 'pretrain', root, spec: { loss: 'NCA' }, seed: 1 })).close();
    mkdirSync(join(root, 'broken'));
    writeFileSync(join(root, 'broken', 'manifest.json'), '[');
    const { code, stdout } = await rxnas(['runs', '--root', root, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { status: 'dead', kind: 'pretrain', what: 'NCA', done: 0 },
      { name: 'broken', status: 'broken' },
    ]);
  });

  it('shows and compares, replays and verifies', async () => {
    const shown = JSON.parse((await rxnas(['runs', 'show', `${golden}/search-1`, '--json'])).stdout);
    expect(shown).toMatchObject({ status: 'done', rows: { query: 30, proposal: 300 } });
    const compared = await rxnas(['runs', 'compare', 'pretrain-1', 'search-1', '--root', golden, '--json']);
    expect(JSON.parse(compared.stdout).curves.map(({ of }: { of: string }) => of)).toEqual(['step', 'query']);
    const { stdout } = await rxnas(['replay', `${golden}/search-1`, '--events', 'query', '--json']);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ event, query }) => [event, query])).toEqual(rows.map((_, i) => ['query', i + 1]));
    expect(rows).toHaveLength(30);
  });

  it('compares in words, as lines of text and as a plot', async () => {
    const plot = join(temporaryFolder(), 'curves.svg');
    const compare = (...args: string[]) =>
      rxnas(['runs', 'compare', 'pretrain-1', 'search-1', '--root', golden, ...args]);
    const { stdout, code } = await compare('--plot', plot);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^space +nasbench201 +–$/m);
    expect(stdout).toMatch(/^best_test +– +0\.920600$/m);
    expect(stdout).toMatch(/^pretrain-1 {2}█[▁▂▃▄▅▆▇█]{23}$/m);
    expect(stdout).toMatch(/^search-1 {2}▁{6}█{24}$/m);
    const svg = readFileSync(plot, 'utf8');
    expect(svg).toMatch(/^<svg /);
    for (const text of ['pretrain-1', 'search-1', 'loss', 'queries'])
      expect(svg).toContain(`>${text}</text>`);
    await compare('--plot', plot, '--json');
    expect(readFileSync(plot, 'utf8')).toBe(svg); // equal bytes
  });

  it('goes on when the same command is given again, and names the setting that differs', async () => {
    const out = join(temporaryFolder(), 'run');
    const command = (...args: string[]) =>
      rxnas([
        ...['pretrain', '--space', 'nasbench201', '--batch', '32', '--embed', '4', '--engine', 'simd'],
        ...['--out', out, '--quiet', ...args],
      ]);
    expect((await command('--steps', '4')).code).toBe(0);
    const again = await command('--steps', '4');
    expect([again.code, again.stdout]).toEqual([0, `the run in ${out} is done already\n`]);
    const other = await command('--steps', '5');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('holds a run with anchors.steps 4, not 5');
  });

  it('a manifest from hostile hands: what it says cannot steer the terminal, settings that are none are named', async () => {
    const root = temporaryFolder();
    cpSync(`${golden}/search-1`, join(root, 'hostile'), { recursive: true });
    const file = join(root, 'hostile', 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    const hostile = { tags: ['\u001b[2J'], note: '\u001b]0;title\u0007', spec: null };
    writeFileSync(file, JSON.stringify({ ...manifest, ...hostile }));
    const { stdout, code } = await rxnas(['runs', 'show', 'hostile', '--root', root]);
    expect(code).toBe(0);
    expect(stdout).toContain('note        \ufffd]0;title\ufffd');
    expect(stdout).not.toContain('\u001b');
    const verified = await rxnas(['replay', 'hostile', '--root', root, '--verify']);
    expect([verified.code, verified.stderr]).toEqual([
      3,
      'rxnas: the manifest of search-1 has no settings\n       restore it from a backup, or run again\n',
    ]);
  });

  const cases: [string, string[], number, RegExp][] = [
    ['resume of nothing', ['resume', '/nowhere/run'], 3, /there is no run \/nowhere\/run/],
    ['resume of a finished run', ['resume', `${golden}/pretrain-1`], 2, /is finished/],
    ['replay of nothing', ['replay', 'no-such-run'], 3, /there is no run 'no-such-run'/],
    ['an unknown event', ['replay', `${golden}/pretrain-1`, '--events', 'stp'], 2, /unknown event 'stp'/],
    ['a speed of nothing', ['replay', `${golden}/pretrain-1`, '--speed', '0'], 2, /--speed is 0/],
    ['an engine without --verify', ['replay', `${golden}/pretrain-1`, '--engine', 'simd'], 2, /--verify/],
    [
      'a negative tolerance',
      ['replay', `${golden}/pretrain-1`, '--verify', '--tolerance=-1'],
      2,
      /tolerance/,
    ],
    ['one run to compare', ['runs', 'compare', `${golden}/pretrain-1`], 2, /one run is no comparison/],
    [
      'a plot in a format that is not there',
      ['runs', 'compare', `${golden}/pretrain-1`, `${golden}/search-1`, '--plot', 'x.png'],
      2,
      /ends in \.svg/,
    ],
    ['a run to show that is none', ['runs', 'show', 'src'], 3, /holds no run/],
    ['a file to unpack that is none', ['runs', 'unpack', 'package.json'], 3, /no tar file/],
    ['a part of a name to remove', ['runs', 'rm', 'pretrain', '--root', golden], 2, /whole name/],
    ['an unknown subcommand', ['runs', 'lst'], 2, /lst/],
  ];
  it.each(cases)('%s: one message and its exit code', async (_, args, code, what) => {
    const outcome = await rxnas(args);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toMatch(what);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });
});
