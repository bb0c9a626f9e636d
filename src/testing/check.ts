import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Component } from '../core/spec/component.js';
import { faultOf } from '../core/spec/faultOf.js';

/** One thing that has to hold. `run` throws where it does not; give both to your test framework: `it(name, run)`. */
export interface Check {
  name: string;
  run(): void | Promise<void>;
}

/** Checks what a component says of itself: complete, and true where that can be told. */
export const descriptionCheck = (component: Component): Check => ({
  name: 'describes itself',
  run() {
    const fault = faultOf(component);
    assert.equal(fault, undefined, fault && `it ${fault.what}: ${fault.toDo}`);
    const schema = z.toJSONSchema(component.params, { io: 'input', unrepresentable: 'any' });
    for (const [name, param] of Object.entries(schema.properties ?? {})) checkParam(param as Param, name);
  },
});

interface Param {
  type?: string;
  description?: string;
  unit?: string;
  minimum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, Param>;
  items?: Param;
}

function checkParam(param: Param, path: string, { unit, description }: Param = {}): void {
  assert.match(param.description ?? description ?? '', /\S/, `${path} has no .describe('…')`);
  if (param.type === 'number' || param.type === 'integer') {
    assert.ok(param.unit ?? unit, `${path} has no .meta({ unit: '…' })`);
    const least = param.minimum ?? param.exclusiveMinimum;
    assert.ok(least !== undefined, `${path} has no least value: .min(…) or .positive()`);
  }
  for (const [name, field] of Object.entries(param.properties ?? {})) checkParam(field, `${path}.${name}`);
  if (param.items) checkParam(param.items, `${path}[]`, param);
}
