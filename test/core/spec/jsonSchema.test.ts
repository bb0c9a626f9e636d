import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { isStage } from '../../../src/core/spec/component.js';
import { describeComponent } from '../../../src/core/spec/describe.js';
import { specJsonSchema } from '../../../src/core/spec/jsonSchema.js';
import { builtIns } from '../../../src/pipelines/builtIns.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// What editors know of themselves.
const formats = { 'date-time': true } as const;
const validate = new Ajv({ allErrors: true, formats }).compile(specJsonSchema(builtIns));
const isValid = (spec: unknown) => validate(typeof spec === 'string' ? parse(spec) : spec) as boolean;
const folder = (name: string) =>
  readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => join(name, file));

describe('the JSON Schema of specs', () => {
  it.each([...folder('presets'), ...folder('examples')])('takes %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (/^use:/m.test(text)) return; // its own components are in a schema of its own
    expect(isValid(text), JSON.stringify(validate.errors)).toBe(true);
  });

  it('takes the example of every component', () => {
    for (const component of builtIns.list()) {
      if (component.kind === 'distance') continue; // no field of a spec: a parameter of losses and miners
      const { example } = describeComponent(component);
      const pipeline = isStage(component) ? parse(example) : ['anchors'];
      const inStage: Record<string, unknown> = {
        loss: { lossStep: parse(example) },
        reducer: { lossStep: parse(example) },
        miner: { mine: parse(example) },
        searcher: { rounds: { ...parse(example), each: ['propose'] } },
      };
      const spec = inStage[component.kind]
        ? { pipeline: [inStage[component.kind]] }
        : { ...(isStage(component) ? {} : parse(example)), pipeline };
      expect(isValid(spec), `${example}: ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });

  it('takes phases, stages that hold stages, tables, presets, variables', () => {
    const rounds = { rounds: { searcher: 'random', each: { query: ['propose', 'benchmarkLookup'] } } };
    expect(isValid({ benchmark: 'nasbench101:table.parquet', pipeline: [rounds] })).toBe(true);
    expect(
      isValid({ pipeline: { one: ['anchors'], two: [{ tee: { a: [{ record: { event: 'step' } }] } }] } }),
    ).toBe(true);
    expect(isValid({ extends: 'pretrain', set: { 'batch.rows': 256 } })).toBe(true);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the spec
    expect(isValid({ seed: '${SEED:-1}', pipeline: ['anchors'] })).toBe(true);
  });

  it.each([
    ['a stage that does not exist', { pipeline: ['ancors'] }],
    ['a parameter that does not exist', { pipeline: [{ anchors: { clases: 64 } }] }],
    ['a parameter out of range', { pipeline: [{ anchors: { classes: 1 } }] }],
    ['a parameter of the wrong type', { pipeline: [{ anchors: { epochs: 'two' } }] }],
    ['two stages in one', { pipeline: [{ anchors: {}, mutate: {} }] }],
    ['a loss with a parameter of another', { pipeline: [{ lossStep: { loss: { NPairs: { margin: 1 } } } }] }],
    ['a parameter that is missing', { pipeline: ['record'] }],
    ['a field that does not exist', { pipelin: ['anchors'] }],
    ['a seed below 0', { seed: -1, pipeline: ['anchors'] }],
    ['neither a pipeline nor a spec that it stands on', { seed: 1 }],
    ['an unknown benchmark’s table', { benchmark: 'nasbench:table.parquet', pipeline: ['anchors'] }],
  ])('refuses %s', (_, spec) => {
    expect(isValid(spec)).toBe(false);
  });

  it('says of each parameter what it is, in its unit', () => {
    const text = JSON.stringify(specJsonSchema(builtIns));
    expect(text.includes('cells of a class, the anchor included [cells]')).toBe(true);
    expect(/"component":|"env":|"environment":|"unit":|9007199254740991/.exec(text)?.[0]).toBeUndefined();
  });

  it('knows components of the user’s own', () => {
    const registry = builtIns.with([
      {
        kind: 'loss',
        name: 'Own',
        summary: 'x',
        params: z.strictObject({ by: z.number().describe('by') }),
        create: () => undefined,
      },
    ]);
    const own = new Ajv({ formats }).compile(specJsonSchema(registry));
    const spec = (by: unknown) => ({ pipeline: [{ lossStep: { loss: { Own: { by } } } }] });
    expect([own(spec(1)), own(spec('x')), isValid(spec(1))]).toEqual([true, false, false]);
  });
});
