import type { RecordBatch } from 'apache-arrow';
import { Observable } from 'rxjs';
import { z } from 'zod';
import { Credit } from '../core/backpressure.js';
import { type EventName, eventNames } from '../core/batch/index.js';
import { usageError } from '../core/errors.js';
import { connectNats, type NatsOptions, StreamReader } from '../core/nats/index.js';
import type { Run } from '../core/run/index.js';
import { itemFault } from '../core/spec/checkItem.js';
import { eventColumns } from '../core/spec/columns.js';
import { type ColumnTypes, columnTypes } from '../core/spec/component.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { natsServerParam, streamParam } from './jetStreamParams.js';

export interface FromJetStreamOptions {
  stream: string;
  /** `nats://host:4222`, without secrets; default: RXNAS_NATS_URL, else this machine. */
  server?: string | undefined;
  /** Take rows of this event only. */
  event?: string | undefined;
  /** Columns that every batch must have; others are refused. */
  columns?: ColumnTypes | undefined;
  /** Where to begin: a message's sequence in the stream, or the first one after a time (ISO 8601). Default: the first batch. */
  from?: { sequence?: number | undefined; time?: string | undefined } | undefined;
  /** Remove what was taken from the stream, so that a source that waits for room goes on. */
  release?: boolean | undefined;
  /** Seconds without a message after which it gives up; default: it waits. */
  patience?: number | undefined;
  /** Credit of the stage downstream that works on the batches: as many messages are asked for as are free. */
  credit?: Credit | undefined;
  /** Rows that an earlier part of the run has logged. */
  before?: Iterable<unknown> | undefined;
  run?: Pick<Run, 'append'> | undefined;
  onWarning?: ((row: { code: string; message: string; step: number }) => void) | undefined;
  /** How to log in; default: what the environment says. */
  nats?: NatsOptions | undefined;
}

/** Refused messages that are warned of one by one; of more than these only the number is told. */
const mostWarnings = 20;

/**
 * The batches of a JetStream stream, in their order and each once, until its end; what {@link toJetStream} of another process sends, now or
 * long ago. A pull consumer asks for no more messages than there is credit, and acknowledges one when what came of it has been worked on.
 * What is no batch of the stream is refused, counted and passed over. Errors with exit code 1 where the source has failed, 3 where batches are missing.
 *
 *     stream   a b c end
 *     asked    2    1   1         capacity 2
 *     out      ab---c---|
 */
export const fromJetStream = defineOperator(
  {
    name: 'fromJetStream',
    kind: 'source',
    summary: 'The batches that another process sends or has sent by NATS JetStream',
    source: 'docs/streams-over-nats.md',
    params: z.strictObject({
      stream: streamParam,
      server: natsServerParam,
      event: z.string().min(1).optional().describe('take rows of this event only'),
      columns: z
        .record(z.string().min(1), z.enum(columnTypes))
        .optional()
        .describe('columns that every batch must have: `{ tokens: int32[] }`; others are refused'),
      from: z
        .strictObject({
          sequence: z
            .int()
            .min(1)
            .optional()
            .describe('sequence of the message in the stream')
            .meta({ unit: 'messages' }),
          time: z.iso.datetime({ offset: true }).optional().describe('the first message after this time'),
        })
        .refine(({ sequence, time }) => (sequence === undefined) !== (time === undefined), {
          message: 'give a `sequence` or a `time`',
        })
        .optional()
        .describe('where to begin; default: the first batch'),
      release: z
        .boolean()
        .default(false)
        .describe('remove what was taken from the stream, so that a source that waits for room goes on'),
      patience: z
        .number()
        .positive()
        .max(1_000_000)
        .optional()
        .describe('time without a message after which it gives up; default: it waits')
        .meta({ unit: 's' }),
    }),
    needs: ['credit', 'before', 'run', 'onWarning'],
    input: {},
    output: ({ event, columns }) => {
      const known = eventNames.includes(event as EventName) ? eventColumns(event as EventName) : undefined;
      return columns ? { ...known, ...(columns as ColumnTypes) } : known;
    },
    gives: 'batches',
    stability: 'beta',
    example: 'fromJetStream: { stream: cells }',
  },
  (options: FromJetStreamOptions): Observable<RecordBatch> =>
    new Observable((subscriber) => {
      const { stream, credit = new Credit(4), patience, release, before = [] } = options;
      const stop = new AbortController();
      const refused = refusals(options, credit);
      let wake = () => {};
      const change = () =>
        new Promise<void>((resolve) => {
          wake = resolve;
        });
      const underWay = new UnderWay(credit);
      subscriber.add(
        credit.onFree(() => {
          underWay.settle();
          wake();
        }),
      );
      subscriber.add(() => {
        stop.abort();
        wake();
      });

      const work = async () => {
        for (const _ of release ? before : []) throw notResumable(stream);
        const nats = await connectNats(options.server, options.nats);
        const reader = new StreamReader(nats, {
          stream,
          from: options.from,
          release,
          patience: patience === undefined ? undefined : patience * 1000,
          room: () => credit.free,
          fault: (batch, event) => faultOf(batch, event, options),
          onRefused: refused.add,
          signal: stop.signal,
        });
        try {
          for await (const { batch, taken } of reader.batches()) {
            if (options.credit) underWay.add(taken, () => subscriber.next(batch));
            else {
              subscriber.next(batch);
              taken();
            }
            while (credit.free <= 0 && !subscriber.closed) await change();
            if (subscriber.closed) return;
          }
          // What is held downstream is worked on before the end is told.
          while (credit.free < credit.capacity && !subscriber.closed) await change();
          underWay.settleAll();
          refused.sum();
        } finally {
          await reader.close().finally(() => nats.close());
        }
      };
      work().then(
        () => subscriber.complete(),
        (error) => subscriber.error(error),
      );
    }),
);

/**
 * Messages whose rows are still worked on downstream. Credit has no names, but items leave in the order in which they came: what was taken
 * up to some moment has been worked on when as much was given back. A stage may hold rows back until later ones fill its batch,
 * so a message is done with when the first item that was taken after it is.
 */
class UnderWay {
  readonly #messages: { taken: () => void; due?: number }[] = [];

  constructor(readonly credit: Credit) {}

  get #takenInAll() {
    return this.credit.returned + this.credit.capacity - this.credit.free;
  }

  add(taken: () => void, handOn: () => void): void {
    const before = this.#takenInAll;
    handOn();
    const after = this.#takenInAll;
    if (after > before) for (const message of this.#messages) message.due ??= after;
    this.#messages.push({ taken });
    this.settle();
  }

  settle(): void {
    for (;;) {
      const { due } = this.#messages[0] ?? {};
      if (due === undefined || due > this.credit.returned) return;
      this.#messages.shift()!.taken();
    }
  }

  settleAll(): void {
    for (const { taken } of this.#messages.splice(0)) taken();
  }
}

function faultOf(
  batch: RecordBatch,
  event: string | undefined,
  options: FromJetStreamOptions,
): string | undefined {
  if (options.event !== undefined && event !== options.event)
    return `its rows are '${event ?? ''}', not '${options.event}'`;
  const fault = options.columns && itemFault(batch, options.columns);
  return fault && `its column '${fault.column}' ${fault.what}`;
}

/** Counts refused messages: as dropped ones of the stage, and in warnings. */
function refusals({ stream, run, onWarning }: FromJetStreamOptions, credit: Credit) {
  let count = 0;
  const warn = (message: string, step: number) => {
    const row = { code: 'message-refused', message, step };
    run?.append('warning', row);
    onWarning?.(row);
  };
  return {
    add(why: string, sequence: number) {
      credit.drop();
      if (++count <= mostWarnings)
        warn(`message ${sequence} of the stream '${stream}' was refused: ${why}`, sequence);
    },
    sum() {
      if (count > mostWarnings) warn(`${count} messages of the stream '${stream}' were refused`, count);
    },
  };
}

const notResumable = (stream: string) =>
  usageError(
    `the stream '${stream}' has let go of what this run has used, so it cannot be resumed here`,
    'run it again from the start, with a stream that keeps what was taken (release: false)',
  );
