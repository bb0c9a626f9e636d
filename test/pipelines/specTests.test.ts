import { expect, it } from 'vitest';
import { readSpec, readSpecFile, runSpecTests } from '../../src/pipelines/fromSpec/index.js';

const spec = (tests: object[]) =>
  readSpec({
    space: 'nasbench201',
    pipeline: {
      first: ['anchors', { batch: { rows: 2 } }],
      second: [{ anchors: { classes: 4, steps: 3 } }, 'mutate'],
    },
    tests,
  });
const failures = async (tests: object[]) =>
  (await runSpecTests(await spec(tests))).map(({ failure }) => failure);

const [a, b, c] = [{ anchor: 1 }, { anchor: 2 }, { anchor: 3 }];
const values = { a: [a], b: [b], c: [c], x: [a, b], y: [c] };

it('rows, counts and marbles that are as expected', async () => {
  expect(
    await failures([
      { name: 'rows', input: [a, b, c], rows: [a, b, c], count: 3, items: 2 },
      { name: 'the own source', phase: 'second', to: 'mutate', count: 96, items: 3 },
      { name: 'the first of it', phase: 'second', take: 1, items: 1 },
      { name: 'in time', marbles: { in: 'a-b-c|', out: '--x--(y|)', values } },
    ]),
  ).toEqual([undefined, undefined, undefined, undefined]);
});

it('says what differs', async () => {
  expect(
    await failures([
      { name: 'a value', input: [a], rows: [b] },
      { name: 'too few', input: [a], rows: [a, b] },
      { name: 'too many', input: [a, b], rows: [a] },
      { name: 'a count', input: [a], count: 2 },
      { name: 'items', input: [a], items: 2 },
      { name: 'early', marbles: { in: 'a-b-c|', out: '-x---(y|)', values } },
      { name: 'other rows', marbles: { in: 'a-b-c|', out: '--y--(x|)', values } },
    ]),
  ).toEqual([
    "row 0, column 'anchor': 1, expected 2",
    '1 rows came out, expected 2',
    '2 rows came out, expected 1',
    '1 rows came out, expected 2',
    '1 items came out, expected 2',
    expect.stringContaining('out of time'),
    "row 0, column 'anchor': 1, expected 3",
  ]);
});

it('refuses what is not there', async () => {
  await expect(failures([])).rejects.toThrow('has no tests');
  await expect(failures([{ name: 't', phase: 'third' }])).rejects.toThrow("there is no phase 'third'");
  await expect(failures([{ name: 't', to: 'mutate' }])).rejects.toThrow(
    "there is no stage 'mutate' in 'first'",
  );
});

it.each(['examples/small-pretraining.yaml', 'examples/replay-analysis.yaml'])(
  '%s passes its tests',
  async (file) => {
    for (const { name, failure } of await runSpecTests(await readSpecFile(file)))
      expect(failure, name).toBeUndefined();
  },
);
