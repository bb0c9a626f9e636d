import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Registry } from '../../../src/core/spec/registry.js';
import { useComponents } from '../../../src/core/spec/use.js';
import { builtIns } from '../../../src/pipelines/builtIns.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** A folder with these files, outside of the repository: nothing is installed there. */
function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const reducer = (name: string, rest = '') => `
  import { defineReducer, z } from 'rxnas';
  export const own = defineReducer({
    name: '${name}',
    summary: 'A reducer',
    formula: '0',
    source: 'test',
    params: z.strictObject({}),
    create: () => ({ name: '${name}', low: 0, high: 1, divisor: () => 1 }),
    ${rest}
  });`;

const use = (reference: string, files: Record<string, string>) =>
  useComponents(builtIns, [reference], folderWith(files));

describe('components of the user’s own', () => {
  it('come from TypeScript, with files of their own and the packages of rxnas, without node_modules', async () => {
    const registry = await use('./own.ts', {
      'own.ts': `
        import { map, type OperatorFunction } from 'rxjs';
        import { z } from 'zod';
        import { RecordBatch } from 'apache-arrow';
        import { defineOperator, type CellBatch } from 'rxnas';
        import { Half } from './parts/half.js';
        enum Side { Left = 'left' }
        export const halve = defineOperator({
          name: 'halve', kind: 'operator', summary: 'Halves \${Side.Left}',
          params: z.strictObject({ by: z.number().min(1).default(2).describe('divisor') }),
          needs: [], input: { cell: 'uint32' }, output: {}, passes: true, stability: 'beta', example: 'halve: { by: 3 }',
        }, ({ by }: { by: number }): OperatorFunction<CellBatch, CellBatch> => map((batch) => Half.of(batch, by) as typeof batch));
        export const isBatch = (value: unknown) => value instanceof RecordBatch;`,
      'parts/half.ts':
        'export class Half { static of(value: unknown, by: number) { return [value, by, Half.name]; } }',
    });
    const { create } = registry.find('stage', 'halve');
    const { of, lastValueFrom } = await import('rxjs');
    const operator = (create as (options: object) => import('rxjs').OperatorFunction<unknown, unknown>)({
      by: 4,
    });
    expect(await lastValueFrom(of('batch').pipe(operator))).toEqual(['batch', 4, 'Half']);
    expect(builtIns.get('stage', 'halve')).toBeUndefined();
  });

  it('come from JavaScript and from packages', async () => {
    const files = {
      'own.mjs': reducer('Own'),
      'node_modules/some-reducers/package.json': JSON.stringify({
        name: 'some-reducers',
        type: 'module',
        exports: { import: './main.js' },
        dependencies: {},
      }),
      'node_modules/some-reducers/main.js': `${reducer('Packaged')} export { helper } from './helper.js';`,
      'node_modules/some-reducers/helper.js':
        "import other from 'other'; export const helper = other.answer;",
      'node_modules/other/package.json': JSON.stringify({ name: 'other', main: 'other.cjs' }),
      'node_modules/other/other.cjs': 'module.exports = { answer: require("node:path").sep };',
    };
    const registry = await useComponents(builtIns, ['./own.mjs', 'some-reducers'], folderWith(files));
    expect(registry.names('reducer').slice(-2)).toEqual(['Own', 'Packaged']);
  });

  it('are loaded afresh, so that one run knows nothing of another', async () => {
    const files = {
      'own.ts': `${reducer('Own')} export const loads = ((globalThis as any).loads ??= []); loads.push(1);`,
    };
    const folder = folderWith(files);
    const first = await useComponents(builtIns, ['./own.ts'], folder);
    const second = await useComponents(builtIns, ['./own.ts'], folder);
    expect(first.find('reducer', 'Own')).not.toBe(second.find('reducer', 'Own'));
  });
});

describe('a module that cannot be used is one clear error', () => {
  const cases: [string, string, Record<string, string>, string | RegExp, string][] = [
    [
      'there is none',
      './gone.ts',
      {},
      /use '.\/gone.ts': there is no file .*gone\.ts/,
      'relative to the spec’s folder',
    ],
    [
      'no such package',
      'no-such-package',
      {},
      /there is no such package in /,
      'name a file: ./no-such-package',
    ],
    [
      'syntax',
      './own.ts',
      { 'own.ts': 'export const a = 1;\nexport const b = ;\n' },
      /it does not compile: .* \(own\.ts:2:18\)/,
      'correct the file',
    ],
    [
      'an import that leads nowhere',
      './own.ts',
      { 'own.ts': "import { x } from 'left-pad';\nexport default x;" },
      "use './own.ts': it imports 'left-pad', which is not there (own.ts:1:19)",
      'install it, or correct the import',
    ],
    [
      'throws',
      './own.ts',
      { 'own.ts': "const text: string = 'x';\n\nthrow new Error('no luck');\n" },
      "use './own.ts': it threw while it was loaded: no luck (own.ts:3:7)",
      'correct the file',
    ],
    [
      'throws what is no error',
      './own.js',
      { 'own.js': "throw 'text'" },
      "use './own.js': it threw while it was loaded: text",
      'correct the file',
    ],
    [
      'no component',
      './own.ts',
      { 'own.ts': 'export const a = 1; export function f() {}' },
      "use './own.ts': it exports no component, only a, f",
      'export what defineOperator',
    ],
    [
      'name taken',
      './own.ts',
      { 'own.ts': reducer('Mean') },
      "use './own.ts': there is a reducer 'Mean' already",
      'give the reducer another name',
    ],
    ['bad name', './own.ts', { 'own.ts': reducer('my reducer') }, /has no proper name/, 'a letter, then'],
    [
      'no summary',
      './own.ts',
      { 'own.ts': reducer('Own', "summary: '',") },
      /'Own' does not say what it is/,
      '`summary`',
    ],
    [
      'loose parameters',
      './own.ts',
      { 'own.ts': reducer('Own', 'params: z.object({}),') },
      /has no schema of its parameters/,
      'z.strictObject',
    ],
    [
      'example',
      './own.ts',
      { 'own.ts': reducer('Own', "example: 'Own: { low: 1 }',") },
      /has an example that its own parameters refuse: Unrecognized key: "low"/,
      'correct its `example`',
    ],
    [
      'column type',
      './own.ts',
      {
        'own.ts': `import { defineOperator, z } from 'rxnas';
          export const own = defineOperator({ name: 'own', kind: 'operator', summary: 'x', params: z.strictObject({}),
            needs: [], input: { cell: 'uint23' as never }, output: {}, example: 'own' }, () => (x: unknown) => x);`,
      },
      "use './own.ts': the operator 'own' has an input column 'cell' of type \"uint23\"",
      'one of uint8, int32',
    ],
    [
      'resource',
      './own.ts',
      {
        'own.ts': `import { defineOperator, z } from 'rxnas';
          export const own = defineOperator({ name: 'own', kind: 'operator', summary: 'x', params: z.strictObject({}),
            needs: ['controler' as never], input: {}, output: {}, example: 'own' }, () => (x: unknown) => x);`,
      },
      "use './own.ts': the operator 'own' needs \"controler\"",
      'a pipeline has space, seed',
    ],
  ];
  it.each(cases)('%s', async (_, reference, files, message, hint) => {
    const error = await use(reference, files).catch((thrown) => thrown);
    expect(error.message).toMatch(message);
    expect(error.hint).toContain(hint);
    expect(error.exitCode).toBe(2);
    expect(`${error.message}${error.hint}`).not.toMatch(/\n|rxnas-use-/);
  });
});

it('an empty list changes nothing', async () => {
  const empty = new Registry([]);
  expect(await useComponents(empty, [], '.')).toBe(empty);
});
