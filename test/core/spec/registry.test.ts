import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Component,
  choice,
  choiceKind,
  columnMismatch,
  outputOf,
  readChoice,
  type StageSpec,
} from '../../../src/core/spec/component.js';
import { componentsOf } from '../../../src/core/spec/componentsOf.js';
import { defineOperator } from '../../../src/core/spec/defineOperator.js';
import { Registry } from '../../../src/core/spec/registry.js';

const component = (kind: Component['kind'], name: string): Component => ({
  kind,
  name,
  summary: name,
  params: z.strictObject({}),
  create: () => name,
});
const stage = (name: string, rest: Partial<StageSpec> = {}): StageSpec => ({
  ...component('operator', name),
  kind: 'operator',
  needs: [],
  input: {},
  output: {},
  example: name,
  ...rest,
});

describe('registry', () => {
  const registry = new Registry([stage('batch'), component('loss', 'Margin'), component('miner', 'Margin')]);

  it('finds by kind and name', () => {
    expect(registry.find('loss', 'Margin').kind).toBe('loss');
    expect(registry.find('miner', 'Margin').kind).toBe('miner');
    expect(registry.find('stage', 'batch').kind).toBe('operator');
    expect(registry.find('operator', 'batch').name).toBe('batch');
    expect(registry.get('sink', 'batch')).toBeUndefined();
    expect(registry.named('Margin').map(({ kind }) => kind)).toEqual(['loss', 'miner']);
  });

  it('says what was meant, and where a name belongs that stands in the wrong place', () => {
    expect(() => registry.find('loss', 'margn')).toThrow(
      expect.objectContaining({
        message: "unknown loss 'margn'",
        hint: expect.stringContaining("did you mean 'Margin'?"),
        exitCode: 2,
      }),
    );
    expect(() => registry.find('loss', 'batch')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("'batch' is a operator") }),
    );
  });

  it('is not changed by what another one adds', () => {
    const more = registry.with([component('loss', 'Own')]);
    expect(more.find('loss', 'Own').name).toBe('Own');
    expect(registry.get('loss', 'Own')).toBeUndefined();
  });

  it('refuses a name that is taken, also by a stage of another kind', () => {
    expect(() => registry.with([component('loss', 'Margin')])).toThrow("there is a loss 'Margin' already");
    expect(() => registry.with([component('sink', 'batch')])).toThrow("there is a stage 'batch' already");
  });
});

describe('columns', () => {
  const encode = stage('encode', {
    input: { tokens: 'int32[]' },
    output: { embedding: 'float32[]' },
    passes: true,
  });

  it('flow through a stage that passes them on, and end at one that does not', () => {
    const cells = { tokens: 'int32[]', label: 'int32' } as const;
    expect(columnMismatch(encode, cells)).toBeUndefined();
    expect(outputOf(encode, cells)).toEqual({ ...cells, embedding: 'float32[]' });
    expect(outputOf({ ...encode, passes: false }, cells)).toEqual({ embedding: 'float32[]' });
  });

  it('that are missing or of another type are named', () => {
    expect(columnMismatch(encode, { anchor: 'uint32' })).toEqual({ column: 'tokens', needed: 'int32[]' });
    expect(columnMismatch(encode, { tokens: 'utf8' })).toEqual({
      column: 'tokens',
      needed: 'int32[]',
      found: 'utf8',
    });
    const record = stage('record', { input: ({ event }) => (event === 'step' ? { step: 'int32' } : {}) });
    expect(columnMismatch(record, {}, { event: 'step' })?.column).toBe('step');
    expect(columnMismatch(record, {}, { event: 'other' })).toBeUndefined();
  });
});

describe('choice', () => {
  it('is a name, or one name with parameters', () => {
    const schema = choice('loss');
    for (const good of ['Margin', { Margin: {} }, { Margin: { beta: 1 } }]) {
      expect(schema.safeParse(good).success).toBe(true);
    }
    for (const bad of ['', {}, { A: {}, B: {} }, { A: 1 }, 7])
      expect(schema.safeParse(bad).success).toBe(false);
    expect(readChoice('Margin')).toEqual({ name: 'Margin', params: {} });
    expect(readChoice({ Margin: { beta: 1 } })).toEqual({ name: 'Margin', params: { beta: 1 } });
  });

  it('is known as one below its default', () => {
    expect(choiceKind(choice('loss').default('Margin').describe('the loss'))).toBe('loss');
    expect(choiceKind(choice('miner').optional())).toBe('miner');
    expect(choiceKind(z.string().optional())).toBeUndefined();
  });
});

it('finds the components among the exports of a module, each once', () => {
  const { create: _, ...spec } = stage('own');
  const own = defineOperator(spec, () => 1);
  const loss = component('loss', 'Own');
  const found = componentsOf({
    own,
    default: own,
    loss,
    helper: () => 2,
    text: 'x',
    nothing: null,
    spec: {},
  });
  expect(found).toEqual([own.spec, loss]);
});
