import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOverride } from '../../src/core/spec/override.js';
import { lintFile } from '../../src/pipelines/fromSpec/index.js';
import { readSweep, readSweepFile, resolvedSweep } from '../../src/pipelines/fromSpec/sweep.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const good = `
name: mine
sweep:
  losses: [TripletMargin, NoMetric]
  seeds: 3
pretrain:
  extends: pretrain
  set: { anchors.steps: 10 }
search:
  extends: search
  set: { rounds.most: 4 }
variants:
  Scratch:
    pretrain: null
  Small:
    pretrain: { set: { batch.rows: 64 } }
`;

const written = (text: string, folder = temporaryFolder(), name = 'mine.yaml') => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const partsOf = async (source: string | object, options = {}) =>
  JSON.parse(JSON.stringify(resolvedSweep(await readSweep(source, options)))).variants;
const stage = (spec: { pipeline: Record<string, object[]> }, name: string) =>
  Object.values(spec.pipeline)
    .flat()
    .map((each) => (each as Record<string, Record<string, unknown>>)[name])
    .find(Boolean)!;

describe('a sweep', () => {
  it('is its losses and its variants, each with the whole of its specs', async () => {
    const parts = await partsOf(good);
    expect(Object.keys(parts)).toEqual(['TripletMargin', 'NoMetric', 'Scratch', 'Small']);
    expect(stage(parts.TripletMargin.pretrain, 'lossStep')).toMatchObject({ loss: { TripletMargin: {} } });
    expect(stage(parts.NoMetric.pretrain, 'lossStep')).toMatchObject({ weight: 0 });
    expect(stage(parts.Small.pretrain, 'anchors')).toMatchObject({ steps: 10, classes: 8 });
    expect(parts.Scratch.pretrain).toBeNull();
    expect(stage(parts.Small.search, 'rounds')).toMatchObject({ most: 4 });
    // What comes behind the last search is not looked at; units run side by side.
    expect(Object.keys(parts.Small.search.pipeline)).toEqual(['search']);
    expect(parts.Small.search.engine).toEqual({ auto: { threads: 1 } });
  });

  it('as plain data is a sweep that means the same', async () => {
    const random =
      '  Random: { pretrain: null, search: { engine: simd, set: { rounds.searcher: random } } }\n';
    const resolved = resolvedSweep(await readSweep(good + random));
    expect(resolved.variants.Random!.search).not.toHaveProperty('engine'); // that of the phase behind
    expect(resolvedSweep(await readSweep(resolved))).toEqual(resolved);
  });

  it('stands on another one, field by field', async () => {
    const folder = temporaryFolder();
    written(good, folder, 'base.yaml');
    const sweep = await readSweepFile(
      written(
        'extends: ./base.yaml\nsweep: { seeds: 1 }\nset: { search.rounds.most: 9, variants.Small: null }',
        folder,
      ),
    );
    expect(sweep).toMatchObject({ name: 'mine', seeds: 1 });
    expect(sweep.variants.map(({ name }) => name)).toEqual(['TripletMargin', 'NoMetric', 'Scratch']);
    const { variants } = JSON.parse(JSON.stringify(resolvedSweep(sweep)));
    expect(stage(variants.Scratch.search, 'rounds')).toMatchObject({ most: 9 });
    expect(stage(variants.NoMetric.pretrain, 'anchors')).toMatchObject({ steps: 10 });
  });

  it('takes --set by path, the last one counts', async () => {
    const set = [
      'search.rounds.most=6',
      'search.rounds.most=7',
      'sweep.seeds=2',
      'variants.Scratch.search.rounds.patience=9',
    ];
    const sweep = await readSweep(good, { set: set.map(parseOverride) });
    expect(sweep.seeds).toBe(2);
    const { variants } = JSON.parse(JSON.stringify(resolvedSweep(sweep)));
    expect(stage(variants.Small.search, 'rounds')).toMatchObject({ most: 7, patience: 3 });
    expect(stage(variants.Scratch.search, 'rounds')).toMatchObject({ most: 7, patience: 9 });
  });

  it('pretrains on the space that is searched', async () => {
    const set = [parseOverride('search.benchmark={ nasbench201: { file: any.parquet } }')];
    const parts = await partsOf(good, { set });
    expect(parts.NoMetric.pretrain.space).toBe('nasbench201');
  });
});

describe('lint of a sweep names place and cure', () => {
  const lint = async (text: string) => {
    const { problems } = await lintFile(written(text));
    return problems.map(({ place, message, hint }) => `${place.line}:${place.column} ${message} | ${hint}`);
  };
  const changed = (from: string, to: string) => lint(good.replace(from, to));

  it.each([
    [
      '[TripletMargin, NoMetric]',
      '[TripletMargn]',
      /^4:12 lossStep.loss: unknown loss 'TripletMargn' \| did you mean 'TripletMargin'/,
    ],
    ['[TripletMargin, NoMetric]', '[NoMetric, NoMetric]', /^4:22 the variant 'NoMetric' is there twice/],
    ['seeds: 3', 'seeds: 0', /^5:10 sweep.seeds is 0: expected number to be >=1/],
    ['seeds: 3', 'seedz: 3', /^5:3 sweep has no field 'seedz' \| did you mean 'seeds?'/],
    ['rounds.most: 4', 'rounds.mots: 4', /^11:10 rounds has no field 'mots' \| did you mean 'most'/],
    [
      'extends: search\n  set: { rounds.most: 4 }',
      'extends: embed',
      /^4:12 TripletMargin: its search has no `rounds`/,
    ],
    ['pretrain: null', 'pretrian: null', /^14:5 spec.variants.Scratch has no field 'pretrian'/],
    [
      'set: { rounds.most: 4 }',
      'set: { rounds.searcher: random }',
      /^4:12 TripletMargin: its search needs no controller \| give the variant `pretrain: null`/,
    ],
    [
      'set: { rounds.most: 4 }',
      'controller: runs/a',
      /^4:12 TripletMargin: its search has a controller, but it is pretrained/,
    ],
    [
      'seeds: 3',
      'against: NoMetrc',
      /^5:12 sweep.against: there is no variant 'NoMetrc' \| did you mean 'NoMetric'/,
    ],
  ])('%s → %s', async (from, to, expected) => {
    expect((await changed(from, to))[0]).toMatch(expected);
  });

  it('of an empty one, and of one that is none', async () => {
    expect(await lint('sweep: {}\nsearch: { extends: search }')).toEqual([
      '1:1 the sweep is empty: it has no variants | give sweep.losses, variants, or both',
    ]);
    await expect(readSweepFile('search')).rejects.toThrow(/this is no sweep/);
    expect(
      (await lint(good.replace('pretrain:\n  extends: pretrain\n  set: { anchors.steps: 10 }\n', '')))[0],
    ).toMatch(/TripletMargin is a loss, but there is no pretraining/);
  });
});
