import { RecordBatch } from 'apache-arrow';
import { type MonoTypeOperatorFunction, Observable, takeWhile } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import { type EventName, eventNames, eventSchemas, itemRows, RowBuffer } from '../core/batch/index.js';
import { failure } from '../core/errors.js';
import { connectNats, type NatsOptions, StreamWriter, streamName } from '../core/nats/index.js';
import type { Run } from '../core/run/index.js';
import { eventColumns } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { natsServerParam, streamParam } from './jetStreamParams.js';

export interface ToJetStreamOptions {
  /** Name of the stream; made where it is not there. */
  stream: string;
  /** `nats://host:4222`, without secrets; default: RXNAS_NATS_URL, else this machine. */
  server?: string | undefined;
  /** What the rows are called; rows that are no batches become batches of this event. */
  event?: string | undefined;
  /** Bytes that the stream may hold; while it is full, the source waits. Default: what the server allows. */
  maxBytes?: number | undefined;
  /** Servers of a cluster that keep the stream. */
  replicas?: number | undefined;
  /** One for each batch that is not stored yet: the source that pulls by it waits for the server. */
  credit?: Credit | undefined;
  /** Whether the source was ended before it was through: then the stream is not ended with it. */
  isStopped?: (() => boolean) | undefined;
  run?: Pick<Run, 'append'> | undefined;
  onWarning?: ((row: { code: string; message: string; step: number }) => void) | undefined;
  /** How to log in; default: what the environment says. */
  nats?: NatsOptions | undefined;
}

/**
 * Sends batches into a JetStream stream and hands each on when the server has stored it, in their order. A source that is started again gives
 * the same batches again: those that are in the stream already are handed on without being sent. Completion marks the end of the stream, an
 * error its failure; both come downstream afterwards. The connection is closed with the stream.
 *
 *     in       a-b-c----|
 *     server   ·--a--b--c·|       (stored)
 *     out      ---a--b--c--|
 */
export const toJetStream = defineOperator(
  {
    name: 'toJetStream',
    kind: 'sink',
    summary: 'Sends batches to another process by NATS JetStream, and hands them on',
    source: 'docs/streams-over-nats.md',
    params: z.strictObject({
      stream: streamParam,
      server: natsServerParam,
      event: z
        .string()
        .regex(streamName, 'a letter, then at most 63 letters, digits, _ or -')
        .optional()
        .describe(`what the rows are called; needed where they are single rows: ${eventNames.join(', ')}`),
      maxBytes: z
        .int()
        .min(1024 * 1024)
        .max(1_000_000_000_000)
        .optional()
        .describe(
          'bytes that the stream may hold; while it is full, the source waits. Default: what the server allows',
        )
        .meta({ unit: 'bytes' }),
      replicas: z
        .int()
        .min(1)
        .max(5)
        .optional()
        .describe('servers of a cluster that keep the stream; default: 1')
        .meta({ unit: 'servers' }),
    }),
    needs: ['stream', 'credit', 'isStopped', 'run', 'onWarning'],
    input: ({ event }) =>
      eventNames.includes(event as EventName) && event !== 'embedding'
        ? eventColumns(event as EventName)
        : {},
    output: {},
    passes: true,
    stability: 'beta',
    example: 'toJetStream: { stream: cells }',
  },
  <T>(options: ToJetStreamOptions): MonoTypeOperatorFunction<T> =>
    (source) =>
      new Observable((subscriber) => {
        const { credit, isStopped = () => false } = options;
        const stop = new AbortController();
        const waiting: T[] = [];
        let end: { error?: unknown } | undefined;
        let wake = () => {};

        const work = async () => {
          const nats = await connectNats(options.server, options.nats);
          try {
            const writer = await StreamWriter.open(nats, writerOptions(options, stop.signal));
            for (;;) {
              while (waiting.length > 0) {
                const item = waiting[0]!;
                await writer.write(batchOf(item, options.event), options.event);
                if (subscriber.closed) return;
                waiting.shift();
                subscriber.next(item);
                credit?.give();
              }
              if (end) break;
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
              if (subscriber.closed) return;
            }
            if ('error' in end) await tell(writer, end.error);
            else if (!isStopped()) await writer.end();
          } finally {
            await nats.close();
          }
        };
        subscriber.add(() => {
          stop.abort();
          wake();
          for (const _ of waiting.splice(0)) credit?.give();
        });
        work().then(
          () => {
            if (end && 'error' in end) subscriber.error(end.error);
            else subscriber.complete();
          },
          (error) => {
            // What the source died of comes first: that nobody could be told is a part of it.
            subscriber.error(end && 'error' in end ? end.error : error);
          },
        );
        const ended = (how: { error?: unknown }) => {
          end = how;
          wake();
        };
        subscriber.add(
          source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
            next(item) {
              credit?.take();
              waiting.push(item);
              wake();
            },
            error: (error) => ended({ error }),
            complete: () => ended({}),
          }),
        );
      }),
);

function writerOptions(
  { stream, maxBytes, replicas, run, onWarning }: ToJetStreamOptions,
  signal: AbortSignal,
) {
  return {
    stream,
    maxBytes,
    replicas,
    signal,
    onWait() {
      const row = {
        code: 'stream-full',
        message: `the stream '${stream}' is full: waiting for room in it`,
        step: 0,
      };
      run?.append('warning', row);
      onWarning?.(row);
    },
  };
}

/** A reader has to know the failure, but not for the price of hiding it from us. */
async function tell(writer: StreamWriter, error: unknown) {
  await writer.fail(error instanceof Error ? error.message : String(error)).catch(() => {});
}

function batchOf(item: unknown, event: string | undefined): RecordBatch {
  if (item instanceof RecordBatch) return item;
  const schema = eventSchemas[event as keyof typeof eventSchemas];
  const isRow = typeof item === 'object' && item !== null && !('batch' in item || 'item' in item);
  if (!schema || !isRow) {
    throw failure(
      'toJetStream carries batches, and this is none',
      isRow
        ? 'name the event whose rows these are: toJetStream: { event: step }'
        : 'put it before the stages that hold activations, or behind them',
    );
  }
  const rows = new RowBuffer(schema as typeof eventSchemas.step);
  for (const row of itemRows(item)) rows.push(row as never);
  return rows.drain();
}
