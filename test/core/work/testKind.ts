import { z } from 'zod';
import { dataError } from '../../../src/core/errors.js';
import type { WorkKind } from '../../../src/core/work/kind.js';
import { figure } from '../../../src/core/work/message.js';
import { handler } from './handler.mjs';

export interface Unit {
  kind: string;
  value?: unknown;
  file?: string;
}
export interface Answer {
  value: unknown;
  pid: number;
}

/** Units that say what happens to whoever carries them out. */
export const testKind: WorkKind<Unit, Answer> = {
  name: 'test',
  summary: 'what a test wants',
  message: z.strictObject({
    kind: z.string().max(20),
    value: z.unknown().optional(),
    file: z.string().optional(),
  }) as z.ZodType<Unit>,
  result: () =>
    z.union([z.strictObject({ value: z.unknown(), pid: z.int() }), figure]) as unknown as z.ZodType<Answer>,
  describe: ({ kind, value }) => `the unit ${kind}${typeof value === 'number' ? ` ${value}` : ''}`,
  load: async () => handler(dataError) as (work: Unit) => Promise<Answer>,
  script: new URL('./worker.mjs', import.meta.url),
};
