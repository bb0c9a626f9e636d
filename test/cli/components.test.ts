import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const own = `
  import { map } from 'rxjs';
  import { defineOperator, z } from 'rxnas';
  export const halve = defineOperator({
    name: 'halve', kind: 'operator', summary: 'Halves what comes', needs: [], input: { cell: 'uint32' }, output: {}, passes: true,
    params: z.strictObject({ by: z.number().min(1).max(9).default(2).describe('divisor').meta({ unit: 'factor' }) }),
    stability: 'experimental', example: 'halve: { by: 3 }',
  }, ({ by }: { by: number }) => map((x: number) => x / by));`;

describe('rxnas list', () => {
  it('lists a kind for programs, also in the plural', async () => {
    const { code, stdout, stderr } = await rxnas(['list', 'losses', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const names = (JSON.parse(stdout) as { kind: string; name: string; stability: string }[]).map(
      ({ kind, name, stability }) => `${kind} ${name} ${stability}`,
    );
    expect(names).toContain('loss MultiSimilarity stable');
    expect(names.every((name) => name.startsWith('loss '))).toBe(true);
  });

  it('lists components of the user’s own beside the others', async () => {
    const file = join(temporaryFolder(), 'own.ts');
    writeFileSync(file, own);
    const { stdout } = await rxnas(['list', 'stage', '--use', file, '--quiet']);
    expect(stdout).toMatch(/^operator +halve +experimental +Halves what comes$/m);
    expect(stdout).toMatch(/^source +anchors /m);
  });

  it('says what was meant', async () => {
    const { code, stderr } = await rxnas(['list', 'minrs']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean 'miner'?"),
    });
  });
});

describe('rxnas describe', () => {
  it('prints parameters with type, unit, default and range, columns and an example', async () => {
    const { code, stdout } = await rxnas(['describe', 'mutate']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mutate: operator, stable$/m);
    expect(stdout).toMatch(/^takes +batches: anchor uint32$/m);
    expect(stdout).toMatch(/^gives +batches: .*tokens int32\[\]$/m);
    expect(stdout).toMatch(/^samplesPerClass +whole number +cells +8 +2 … 65,536 +cells of a class/m);
    expect(stdout).toContain('- mutate: { samplesPerClass: 8 }');
  });

  it('describes all components of a name, or the one of a kind', async () => {
    const both = JSON.parse((await rxnas(['describe', 'TripletMargin', '--json'])).stdout);
    expect(both.map(({ kind }: { kind: string }) => kind)).toEqual(['loss', 'miner']);
    const [one, ...rest] = JSON.parse(
      (await rxnas(['describe', 'TripletMargin', '--kind', 'miner', '--json'])).stdout,
    );
    expect(rest).toEqual([]);
    expect(one.params[0]).toEqual({
      name: 'margin',
      type: 'number',
      unit: 'distance',
      default: 0.1,
      required: false,
      range: '0 … 4',
      description: 'gap up to which a triplet is mined',
    });
  });

  it('describes a component of the user’s own; what is wrong with its file is one message', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'own.ts'), own);
    writeFileSync(
      join(folder, 'bad.ts'),
      "import { defineOperatr } from 'rxnas'; export default defineOperatr;",
    );
    const { stdout } = await rxnas(['describe', 'halve', '--use', join(folder, 'own.ts')]);
    expect(stdout).toMatch(/^by +number +factor +2 +1 … 9 +divisor$/m);
    const bad = await rxnas(['describe', 'halve', '--use', join(folder, 'bad.ts')]);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(
      /it imports 'defineOperatr' from 'rxnas', which has no such export\n.*correct the import/,
    );
    expect(bad.stderr).not.toContain('    at ');
  });

  it('says what was meant', async () => {
    const { code, stderr } = await rxnas(['describe', 'muate']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean 'mutate'?"),
    });
  });
});

it('the shell completes names of components and kinds, else flags and commands', async () => {
  const complete = async (...words: string[]) =>
    (await rxnas(['--get-yargs-completions', 'rxnas', ...words])).stdout.trim().split('\n');
  expect(await complete('describe', 'TripletM')).toEqual(['TripletMargin']);
  expect(await complete('list', 'se')).toEqual(['searcher']);
  expect(await complete('describe', '--k')).toContain('--kind');
  expect(await complete('descr')).toContain('describe');
});
