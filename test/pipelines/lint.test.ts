import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isMap, isPair, isScalar, isSeq, type Pair, parseDocument, visit } from 'yaml';
import { loadText } from '../../src/core/spec/load.js';
import { Problems, textOf } from '../../src/core/spec/problems.js';
import { lintFile } from '../../src/pipelines/fromSpec/index.js';
import { checkFile } from '../../src/pipelines/fromSpec/lint.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(root, folder, name));
const specs = [...filesIn('presets', '.yaml'), ...filesIn('examples', '.yaml')];
const custom = filesIn('examples/custom-operator', '.yaml');
// The page on custom components shows the files of examples/custom-operator, whose specs lie beside what they use.
const pages = [
  ...['README.md', 'CONTRIBUTING.md'].map((page) => join(root, page)),
  ...filesIn('docs', '.md').filter((page) => !page.endsWith('custom-components.md')),
];

const shown = async (file: string) =>
  (await lintFile(file)).problems.map(({ place, message }) => `${textOf(place)}: ${message}`);

async function lint(text: string, environment = {}) {
  const problems = new Problems();
  await checkFile(loadText(text, 'my.yaml', problems), problems, { environment });
  return problems.list().map(({ place, message }) => `${textOf(place)}: ${message}`);
}

describe('what comes with rxnas has nothing wrong', () => {
  it.each([...specs, ...custom])('%s', async (file) => expect(await shown(file)).toEqual([]));
  it.each(specs)('%s names its schema in the first line', (file) =>
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=../docs/spec.schema.json',
    ),
  );
  it.each(pages)('%s', async (file) => expect(await shown(file)).toEqual([]));
});

const pretraining = `
space: nasbench201
pipeline:
  - anchors
  - mutate
  - batch
  - encode
  - mine
  - lossStep
`;

describe('lint names file, line, column and what is wrong', () => {
  const cases: [string, string, string][] = [
    ['an unknown field', 'sede: 1\npipeline: [anchors]', "my.yaml:1:1: spec has no field 'sede'"],
    ['an unknown stage', 'pipeline:\n  - anchor', "my.yaml:2:5: unknown stage 'anchor'"],
    [
      'an unknown parameter',
      'pipeline:\n  - anchors: { epoch: 2 }',
      "my.yaml:2:16: anchors has no field 'epoch'",
    ],
    [
      'a wrong type',
      'pipeline:\n  - anchors: { epochs: many }',
      'my.yaml:2:24: anchors.epochs is "many": expected number, received string',
    ],
    [
      'out of range',
      'pipeline:\n  - anchors: { epochs: 0 }',
      'my.yaml:2:24: anchors.epochs is 0: expected number to be >=1',
    ],
    [
      'an unknown loss',
      `${pretraining.slice(0, -1)}: { loss: Triplet }`,
      "my.yaml:9:23: lossStep.loss: unknown loss 'Triplet'",
    ],
    [
      'a parameter of a loss',
      `${pretraining.slice(0, -1)}: { loss: { TripletMargin: { margn: 1 } } }`,
      "my.yaml:9:42: TripletMargin has no field 'margn'",
    ],
    [
      'a missing column',
      pretraining.replace('  - mutate\n', ''),
      "my.yaml:6:5: encode needs the column 'tokens', which no stage before it provides",
    ],
    [
      'a source that is not first',
      pretraining.replace('encode', 'anchors'),
      'my.yaml:7:5: anchors is a source: it has to stand first',
    ],
    ['no source', 'pipeline:\n  - mutate', 'my.yaml:2:5: pipeline begins with mutate, which is no source'],
    [
      'a stage of a search outside of one',
      'pipeline:\n  - propose',
      'my.yaml:2:5: propose stands outside of `rounds`',
    ],
    [
      'batches behind the training',
      `${pretraining}  - batch\n`,
      'my.yaml:10:5: batch takes batches of rows; lossStep gives single rows',
    ],
    [
      'a branch that reaches nothing',
      `${pretraining}  - tee: { stats: [watchCollapse] }\n`,
      "my.yaml:10:12: the branch 'stats' ends in no sink: its rows reach nothing",
    ],
    [
      'an empty branch',
      `${pretraining}  - tee: { stats: [] }\n`,
      'my.yaml:10:19: tee.stats has no stages: nothing can reach it',
    ],
    [
      'classes that are cut',
      pretraining.replace('batch', 'batch: { rows: 20 }'),
      'my.yaml:6:20: batch.rows is 20: that is not whole classes of 8',
    ],
    [
      'two stages in one',
      'pipeline:\n  - anchors:\n    mutate:',
      "my.yaml:3:5: 'mutate' beside 'anchors': one stage has one name",
    ],
    ['no pipeline', 'seed: 1', "my.yaml:1:1: spec needs 'pipeline'"],
    ['a list', '- anchors', 'my.yaml:1:1: this is no spec'],
    ['nothing', '', 'my.yaml:1:1: nothing in it'],
    [
      'no YAML',
      'pipeline: [anchors',
      'my.yaml:1:19: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a field twice',
      'seed: 1\nseed: 2\npipeline: [anchors]',
      'my.yaml:2:1: not YAML: Map keys must be unique',
    ],
    ['an alias of itself', 'pipeline: &a [*a]', 'my.yaml:1:15: *a contains itself'],
    ['an unknown preset', 'extends: pretrian', "my.yaml:1:10: there is no preset 'pretrian'"],
    [
      'a missing file',
      'extends: ./nowhere.yaml',
      'my.yaml:1:10: cannot read nowhere.yaml: there is no such file',
    ],
    [
      'a path that leads nowhere',
      'extends: pretrain\nset: { bacth.rows: 64 }',
      "my.yaml:2:8: bacth.rows: there is no stage or field 'bacth'",
    ],
    [
      'a path that is ambiguous',
      'extends: pretrain\nset: { record.event: step }',
      "my.yaml:2:8: record.event: there are 2 stages 'record'",
    ],
    [
      'a variable that is not set',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of a spec, not of JavaScript
      'controller: ${NOWHERE}\npipeline: [embedCells]',
      'my.yaml:1:13: the environment variable NOWHERE is not set',
    ],
    [
      'a variable where none may be',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of a spec, not of JavaScript
      'pipeline:\n  - anchors: { epochs: "${EPOCHS}" }',
      'my.yaml:2:24: anchors.epochs takes no environment variable',
    ],
    [
      'a module that is not there',
      'use: [./nowhere.ts]\npipeline: [anchors]',
      "my.yaml:1:7: use './nowhere.ts'",
    ],
  ];
  it.each(cases)('%s', async (_, text, first) => {
    const [found = 'nothing'] = await lint(text);
    expect(found.replace(root, './')).toContain(first);
  });

  it('finds everything at once, in the order of the lines', async () => {
    const found = await lint('seed: -1\npipeline:\n  - anchors: { epochs: 0, epoch: 1 }\n  - muate\n');
    expect(found.map((line) => line.split(':').slice(0, 3).join(':'))).toEqual([
      'my.yaml:1:7',
      'my.yaml:3:24',
      'my.yaml:3:27',
      'my.yaml:4:5',
    ]);
  });

  it('fills in environment variables where the schema says so', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of a spec, not of JavaScript
    const text = 'seed: ${SEED}\nspace: nasbench201\ncontroller: runs/${NAME:-mine}\npipeline: [embedCells]';
    expect(await lint(text, { SEED: '7' })).toEqual([]);
    expect(await lint(text, { SEED: 'seven' })).toEqual([
      'my.yaml:1:7: spec.seed is "seven": expected number, received string',
    ]);
  });

  it('a circle of extends', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.yaml'), 'extends: ./b.yaml\n');
    writeFileSync(join(folder, 'b.yaml'), 'extends: ./a.yaml\n');
    const [found] = await shown(join(folder, 'a.yaml'));
    expect(found).toMatch(/b\.yaml:1:10: extends goes in a circle: .*a\.yaml → .*b\.yaml → .*a\.yaml$/);
  });

  it('specs in Markdown pages, at their lines', async () => {
    const page = join(temporaryFolder(), 'page.md');
    writeFileSync(
      page,
      'Text\n\n```yaml\nother: 1\n```\n\n- list\n\n  ```yaml\n  pipeline:\n    - anchorss\n  ```\n```yaml fragment\npipeline: [anchorss]\n```\n',
    );
    const { problems, specs } = await lintFile(page);
    expect(specs).toBe(1);
    expect(problems.map(({ place }) => [place.line, place.column])).toEqual([[11, 7]]);
  });
});

/** All fields of a spec, with the names of what they are in. */
function fieldsOf(text: string) {
  const fields: { path: readonly unknown[]; name: string; pair: Pair }[] = [];
  const document = parseDocument(text);
  visit(document, {
    Pair(key, pair, path) {
      if (isScalar(pair.key)) fields.push({ path: [...path, key], name: String(pair.key.value), pair });
    },
  });
  return { document, fields };
}

/** Whether a field is the name of a phase or branch. */
const isName = ({ pair, path }: { pair: Pair; path: readonly unknown[] }) =>
  isSeq(pair.value) &&
  path.some((each) => isPair(each) && ['pipeline', 'each', 'tee', 'merge'].includes(String(each.key))) &&
  pair !== path.find((each) => isPair(each) && ['pipeline', 'each'].includes(String(each.key)));

it('names line and field of what a mutation spoilt, in presets and examples', async () => {
  const missed: string[] = [];
  let count = 0;
  for (const file of specs) {
    const text = readFileSync(file, 'utf8');
    const { fields } = fieldsOf(text);
    for (let i = 0; i < fields.length; i++) {
      const { name, pair } = fields[i]!;
      // Descriptions may be anything; phases and branches are called as one likes.
      if (['description', 'name'].includes(name) || isName(fields[i]!)) continue;
      const key = pair.key as { range: [number, number, number] };
      const value = pair.value as { range: [number, number, number] } | null;
      const line = (offset: number) => text.slice(0, offset).split('\n').length;
      const mutants: [string, string, number][] = [
        ['misspelt', `${text.slice(0, key.range[0])}${name}x${text.slice(key.range[1])}`, line(key.range[0])],
      ];
      if (value && !isMap(pair.value)) {
        const [from, to] = value.range;
        // Of another type than any field has.
        mutants.push([
          'mistyped',
          `${text.slice(0, from)}{ wrong: [{ type: 1 }] }${text.slice(to)}`,
          line(from),
        ]);
      }
      for (const [how, mutant, at] of mutants) {
        if (parseDocument(mutant).errors.length > 0) continue;
        count++;
        const problems = new Problems();
        await checkFile(loadText(mutant, file, problems), problems, {});
        const last = name.split('.').at(-1)!;
        const found = problems
          .list()
          .some(
            ({ place, message }) => place.line === at && (message.includes(last) || message.includes(name)),
          );
        if (!found)
          missed.push(`${file}:${at} ${name} ${how}: ${problems.list().map(({ message }) => message)}`);
      }
    }
  }
  console.log(
    `lint: ${count - missed.length} of ${count} mutations of presets and examples named by line and field`,
  );
  expect(missed.length / count, missed.slice(0, 20).join('\n')).toBeLessThanOrEqual(0.05);
  expect(count).toBeGreaterThan(100);
});
