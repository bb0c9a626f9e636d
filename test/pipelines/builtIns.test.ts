import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  type Component,
  componentKinds,
  isStage,
  readChoice,
  resources,
} from '../../src/core/spec/component.js';
import { builtIns } from '../../src/pipelines/builtIns.js';
import { openChoice } from '../../src/pipelines/openChoice.js';

type Schema = { [key: string]: unknown; type?: string; properties?: Record<string, Schema>; items?: Schema };

/** Every value that a parameter holds: itself, fields of objects, items of lists. */
function* parts(schema: Schema, path: string, inherited: Schema = {}): Generator<[string, Schema]> {
  const own = { unit: inherited.unit, description: inherited.description, ...schema };
  yield [path, own];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* parts(field, `${path}.${name}`);
  if (schema.items) yield* parts(schema.items, `${path}[]`, own);
}

const label = ({ kind, name }: Component) => `${kind} ${name}`;
const all = builtIns.list();

describe.each(all.map((component) => [label(component), component] as const))('%s', (_, component) => {
  it('says in one sentence what it is, and where it comes from', () => {
    expect(component.name).toMatch(/^[A-Za-z][A-Za-z0-9_-]*$/);
    expect(component.summary).toMatch(/^\S.*[^.\s]$/);
    if (!isStage(component)) expect(component.source).toMatch(/\S/);
  });

  it('describes every parameter; numbers with unit and range', () => {
    const schema = z.toJSONSchema(component.params, { io: 'input' }) as Schema;
    expect(schema.additionalProperties, 'a strictObject refuses unknown parameters').toBe(false);
    for (const [name, param] of Object.entries(schema.properties ?? {})) {
      for (const [path, part] of parts(param, name)) {
        expect(part.description, path).toEqual(expect.stringMatching(/\S/));
        if (part.type !== 'number' && part.type !== 'integer') continue;
        expect(part.unit, `unit of ${path}`).toEqual(expect.any(String));
        expect(part.minimum ?? part.exclusiveMinimum, `least value of ${path}`).toEqual(expect.any(Number));
      }
    }
  });

  if (isStage(component)) {
    it('has an example that its own schema takes', () => {
      const { name, params } = readChoice(parse(component.example));
      expect(name).toBe(component.name);
      expect(component.params.safeParse(params)).toMatchObject({ success: true });
      for (const need of component.needs) expect(Object.keys(resources)).toContain(need);
    });
  }
});

it('there are components of every kind', () => {
  for (const kind of componentKinds) expect(builtIns.names(kind), kind).not.toEqual([]);
});

describe('openChoice', () => {
  it('opens a name, and a name with parameters', () => {
    expect(openChoice(builtIns, 'loss', 'Margin').spec.name).toBe('Margin');
    expect(openChoice(builtIns, 'reducer', { Threshold: { low: 2 } }).low).toBe(2);
    expect(openChoice(builtIns, 'space', 'nasbench201').size).toBe(15_625);
  });

  it('names a wrong parameter, and the component that it belongs to', () => {
    expect(() => openChoice(builtIns, 'miner', { TripletMargin: { margn: 1 } })).toThrow(
      expect.objectContaining({
        message: "miner TripletMargin has no parameter 'margn'",
        hint: expect.stringContaining("did you mean 'margin'?"),
      }),
    );
  });
});
