import { map, Observable, type OperatorFunction, type Subscriber, type TeardownLogic } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { losses } from '../../src/core/losses/index.js';
import type { Random } from '../../src/core/random/random.js';
import { nasbench201, nasbench201Spec } from '../../src/core/space/nasbench201.js';
import { mutantCell, type Space, type SpaceSpec } from '../../src/core/space/space.js';
import type { StageSpec } from '../../src/core/spec/component.js';
import {
  type Check,
  descriptionCheck,
  lossConformance,
  operatorConformance,
  spaceConformance,
} from '../../src/testing/index.js';

/** Names of the checks that fail. */
async function failing(checks: readonly Check[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of checks) {
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

const spec: StageSpec = {
  kind: 'operator',
  name: 'own',
  summary: 'Passes rows on',
  params: z.strictObject({}),
  needs: [],
  input: { cell: 'uint32' },
  output: { cell: 'uint32' },
  example: 'own',
  create: () => undefined,
};
const items = () => [{ cell: 1 }, { cell: 2 }, { cell: 3 }];

describe('operatorConformance', () => {
  const check = (operator: OperatorFunction<{ cell: number }, unknown>, more: object = {}) =>
    failing(operatorConformance({ create: () => operator, items, spec, ...more }));

  it('passes what conforms', async () => {
    expect(await check(map((row) => row))).toEqual([]);
  });

  const from = (
    subscribe: (rows: Observable<{ cell: number }>, consumer: Subscriber<unknown>) => TeardownLogic,
  ) =>
    ((rows) => new Observable((consumer) => subscribe(rows, consumer))) as OperatorFunction<
      { cell: number },
      unknown
    >;

  it.each([
    [
      'keeps its subscription to the source',
      from((rows, consumer) => {
        rows.subscribe({
          next: (row) => consumer.next(row),
          error: (error) => consumer.error(error),
          complete: () => consumer.complete(),
        });
      }),
      'early unsubscribe: tears the source down, once, and emits nothing more',
    ],
    [
      'swallows errors',
      from((rows, consumer) =>
        rows.subscribe({
          next: (row) => consumer.next(row),
          error() {},
          complete: () => consumer.complete(),
        }),
      ),
      'error: passes the error of the source on',
    ],
    [
      'does not complete',
      from((rows, consumer) =>
        rows.subscribe({ next: (row) => consumer.next(row), error: (error) => consumer.error(error) }),
      ),
      'many: gives every output, then completes',
    ],
    [
      'gives other columns',
      map(({ cell }: { cell: number }) => ({ cell: String(cell) })),
      'takes and gives the columns that it declares',
    ],
    [
      'leaves a timer running',
      from((rows, consumer) => {
        setTimeout(() => consumer.next({ cell: 0 }), 1);
        return rows.subscribe(consumer);
      }),
      'never: emits nothing and does not end',
    ],
  ])('finds an operator that %s', async (_, operator, name) => {
    expect(await check(operator, { timeout: 100 })).toContain(name);
  });

  it('looks after each check whether all is at rest', async () => {
    const failed = await check(
      map((row) => row),
      { atRest: () => expect('a tensor').toBe('freed') },
    );
    expect(failed).toContain('one: takes a single item');
  });
});

describe('lossConformance', () => {
  const nca = losses.find(({ name }) => name === 'NCA')!; // computed row by row, in JavaScript
  const wrong = (change: (coefficients: Float64Array, rows: number, a: number) => void) => ({
    ...nca,
    create(params: never) {
      const loss = nca.create(params);
      return {
        ...loss,
        row(context: never, a: number) {
          loss.row!(context, a);
          const { coefficients, batch } = context as { coefficients: Float64Array; batch: { rows: number } };
          change(coefficients, batch.rows, a);
        },
      };
    },
  });

  it('finds a gradient that is wrong by a thousandth', async () => {
    const failed = await failing(
      lossConformance(
        wrong((coefficients, rows, a) => {
          for (let i = a * rows; i < (a + 1) * rows; i++) coefficients[i]! *= 1.001;
        }),
      ),
    );
    expect(failed).toEqual(['its gradient is its derivative, by finite differences']);
  });

  it('finds a value that is not the same again', async () => {
    let calls = 0;
    const failed = await failing(
      lossConformance(
        wrong((coefficients, rows, a) => {
          coefficients[a * rows + ((a + 1) % rows)]! += 1e-6 * calls++;
        }),
      ),
    );
    expect(failed).toContain('gives the same bits again, after other batches too');
  });
});

describe('spaceConformance', () => {
  const changed = (change: Partial<Space>): SpaceSpec => ({
    ...nasbench201Spec,
    create: () => ({ ...nasbench201, ...change }),
  });
  const { decode, distance, mutateWithEdits, hash } = nasbench201;

  it.each([
    [
      'a codec that reads another cell',
      { decode: (tokens: Int32Array, at: number) => decode(tokens, at) ^ 1 },
      /reads back/,
    ],
    [
      'writing out of bounds',
      { encode: (_: number, out: Int32Array, at: number) => out.fill(0, at - 1) },
      /reads back/,
    ],
    [
      'a hash that two cells share',
      { hash: (cell: number) => hash(cell - (cell % 1000)) },
      /hash of its own/,
    ],
    [
      'positives farther away than they say',
      {
        mutateWithEdits: (cell: number, random: Random) =>
          mutateWithEdits(mutantCell(mutateWithEdits(cell, random)), random),
      },
      /positives/,
    ],
    [
      'a distance with a direction',
      { distance: (a: number, b: number) => distance(a, b) + (a < b ? 1 : 0) },
      /distances/,
    ],
    [
      'a distance that ignores its limit',
      { distance: (a: number, b: number) => distance(a, b) },
      /distances/,
    ],
    ['ids that are no places', { idOf: (cell: number) => nasbench201.idOf(cell) + 1 }, /numbers/],
  ] as [string, Partial<Space>, RegExp][])('finds %s', async (_, change, name) => {
    const failed = await failing(spaceConformance(changed(change), { cells: 60 }));
    expect(failed.join('\n')).toMatch(name);
  });
});

it('descriptionCheck finds parameters without description, unit or range', () => {
  const described = (params: z.ZodObject) => () => descriptionCheck({ ...component, params }).run();
  const { example: _, ...component } = spec;
  const good = z.number().min(0).describe('how much').meta({ unit: 'cells' });
  expect(described(z.strictObject({ by: good, some: z.array(good).describe('several') }))).not.toThrow();
  expect(described(z.strictObject({ by: z.string() }))).toThrow('by has no .describe');
  expect(described(z.strictObject({ by: z.number().min(0).describe('x') }))).toThrow(
    "by has no .meta({ unit: '…' })",
  );
  expect(described(z.strictObject({ by: z.number().describe('x').meta({ unit: 'y' }) }))).toThrow(
    'by has no least value',
  );
  expect(described(z.strictObject({ in: z.strictObject({ by: z.string() }).describe('x') }))).toThrow(
    'in.by has no',
  );
  expect(described(z.object({}))).toThrow('it has no schema of its parameters');
});
