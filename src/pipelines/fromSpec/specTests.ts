import { isDeepStrictEqual } from 'node:util';
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  RecordBatch,
  Schema,
  Uint8,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { lastValueFrom, type Observable, of, take, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type Columns, itemRows, RowBuffer } from '../../core/batch/index.js';
import { usageError } from '../../core/errors.js';
import { StageMeters } from '../../core/meter.js';
import { type ColumnTypeName, inputOf } from '../../core/spec/component.js';
import type { SpecTest } from '../../core/spec/grammar.js';
import type { Stage, StageList } from '../../core/spec/spec.js';
import type { ReadSpec } from './read.js';
import { openSpec } from './resources.js';
import { noHost, type Session } from './session.js';
import { partStream } from './stages.js';

export interface SpecTestResult {
  name: string;
  /** What is not as it should be; absent where the test passed. */
  failure?: string;
}

type Row = Record<string, unknown>;

/** Runs the tests that a spec holds. Throws exit code 2 where it holds none, or one names a phase or stage that is not there. */
export async function runSpecTests({ spec, registry }: ReadSpec): Promise<SpecTestResult[]> {
  if (spec.tests.length === 0) {
    throw usageError(
      `the spec ${spec.name} has no tests`,
      'write some: `tests: [{ name: …, input: […], rows: […] }]`',
    );
  }
  const resources = await openSpec(spec, registry);
  try {
    const results: SpecTestResult[] = [];
    for (const test of spec.tests) {
      await resources.openController(); // each test begins with the same weights
      const session: Session = { spec, registry, resources, host: noHost, meters: new StageMeters() };
      try {
        const failure = test.marbles ? inMarbles(session, test) : await inRows(session, test);
        results.push(failure === undefined ? { name: test.name } : { name: test.name, failure });
      } finally {
        resources.controller?.dispose();
        delete resources.controller;
      }
    }
    return results;
  } finally {
    await resources.dispose();
  }
}

/** The part of a pipeline that a test is about. */
function partOf({ spec }: Session, { name, phase, from, to, input, marbles }: SpecTest) {
  const list = phase === undefined ? spec.phases[0]! : spec.phases.find((each) => each.name === phase);
  const refused = (what: string, known: readonly string[]) =>
    usageError(`test '${name}': there is no ${what}`, `there are ${known.join(', ')}`);
  if (!list)
    throw refused(
      `phase '${phase}'`,
      spec.phases.map((each) => each.name),
    );
  const names = list.stages.map((stage) => stage.name);
  const indexOf = (stage: string | undefined, fallback: number) => {
    const index = stage === undefined ? fallback : names.indexOf(stage);
    if (index < 0) throw refused(`stage '${stage}' in '${list.name}'`, names);
    return index;
  };
  const isFed = input !== undefined || marbles !== undefined;
  const first = indexOf(from, isFed ? 1 : 0);
  return { list, first, last: indexOf(to, names.length - 1) };
}

async function inRows(session: Session, test: SpecTest): Promise<string | undefined> {
  const { list, first, last } = partOf(session, test);
  const input = test.input && of(...itemsOf(test.input, list, first));
  const stream = partStream(session, list, { from: first, to: last, input }).pipe(
    test.take === undefined ? (rows: Observable<unknown>) => rows : take(test.take),
  );
  const items = await lastValueFrom(stream.pipe(toArray()));
  const rows = items.flatMap(rowsOfItem);
  if (test.items !== undefined && items.length !== test.items) {
    return `${items.length} items came out, expected ${test.items}`;
  }
  if (test.count !== undefined && rows.length !== test.count) {
    return `${rows.length} rows came out, expected ${test.count}`;
  }
  return test.rows && rowsDiffer(rows, test.rows);
}

/** Time is virtual: stages that wait for a worker or a file cannot be tested so. */
function inMarbles(session: Session, test: SpecTest): string | undefined {
  const { list, first, last } = partOf(session, test);
  const { in: given, out, values } = test.marbles!;
  const inputs = Object.fromEntries(
    Object.entries(values).map(([letter, rows]) => [letter, itemsOf(rows, list, first)[0]]),
  );
  let failure: string | undefined;
  const scheduler = new TestScheduler((actual: Message[], expected: Message[]) => {
    const [came, wanted] = [actual, expected].map((messages) =>
      messages.map(({ frame, notification }) => `${frame}:${notification.kind}`),
    );
    if (!isDeepStrictEqual(came, wanted)) {
      failure = `out of time: ${came!.join(' ')}, expected ${wanted!.join(' ')} (frame:kind, N = item, C = end)`;
      return;
    }
    for (const [i, { notification }] of actual.entries()) {
      if (notification.kind !== 'N') continue;
      failure ??= rowsDiffer(
        rowsOfItem(notification.value),
        (expected[i]!.notification.value as Row[]) ?? [],
      );
    }
  });
  scheduler.run(({ cold, expectObservable }) => {
    const stream = partStream(session, list, { from: first, to: last, input: cold(given, inputs) });
    expectObservable(stream).toBe(out, values);
  });
  return failure;
}

interface Message {
  frame: number;
  notification: { kind: string; value?: unknown };
}

/** Input rows as the stage takes them: a batch of the columns that it needs, or rows. */
function itemsOf(rows: readonly Row[], list: StageList, index: number): unknown[] {
  const stage = list.stages[index] as Stage;
  if (stage.kind !== 'component' || stage.component.takes === 'rows') return [...rows];
  const needed = inputOf(stage.component, stage.params);
  const [first = {}] = rows;
  const fields = Object.keys({ ...needed, ...first }).map(
    (name) => new Field(name, arrowType(needed[name] ?? typeFor(first[name]), first[name]), false),
  );
  const buffer = new RowBuffer(new Schema(fields as Field[]) as unknown as Schema<Columns>);
  for (const row of rows) buffer.push(row as never);
  return [buffer.drain()];
}

const typeFor = (value: unknown): ColumnTypeName =>
  typeof value === 'string' ? 'utf8' : Array.isArray(value) ? 'float32[]' : 'float64';

function arrowType(name: ColumnTypeName, example: unknown) {
  const list = (item: Int32 | Float32) =>
    new FixedSizeList((example as unknown[] | undefined)?.length ?? 1, new Field('item', item, false));
  const types = {
    uint8: () => new Uint8(),
    int32: () => new Int32(),
    uint32: () => new Uint32(),
    int64: () => new Int64(),
    float32: () => new Float32(),
    float64: () => new Float64(),
    utf8: () => new Utf8(),
    'int32[]': () => list(new Int32()),
    'float32[]': () => list(new Float32()),
  };
  return types[name as keyof typeof types]();
}

/** The rows of an item, also of a batch with its activations. */
function rowsOfItem(item: unknown): Row[] {
  const { batch } = (item ?? {}) as { batch?: unknown };
  return [...itemRows(batch instanceof RecordBatch ? batch : item)];
}

function rowsDiffer(rows: readonly Row[], expected: readonly Row[]): string | undefined {
  for (const [i, wanted] of expected.entries()) {
    const row = rows[i];
    if (!row) return `${rows.length} rows came out, expected ${expected.length}`;
    for (const [column, value] of Object.entries(wanted)) {
      const found = plain(row[column]);
      if (!isDeepStrictEqual(found, value)) {
        return `row ${i}, column '${column}': ${JSON.stringify(found)}, expected ${JSON.stringify(value)}`;
      }
    }
  }
  return rows.length > expected.length
    ? `${rows.length} rows came out, expected ${expected.length}`
    : undefined;
}

const plain = (value: unknown) =>
  ArrayBuffer.isView(value)
    ? Array.from(value as Float32Array)
    : typeof value === 'bigint'
      ? Number(value)
      : value;
