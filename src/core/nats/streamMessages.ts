import { createHash } from 'node:crypto';
import type { RecordBatch } from 'apache-arrow';
import { type Columns, sliceBatch } from '../batch/index.js';
import { decodeStream, encodeStream } from '../batch/ipc.js';
import { failure } from '../errors.js';

/**
 * What lies in a stream of batches. Each batch is one message, or several where it is large; the payload is an Arrow IPC stream with one batch,
 * so that any client reads each message by itself. Headers say the rest; docs/streams-over-nats.md has them for other clients.
 */
export type StreamMessage = BatchPart | EndMarker | ErrorMarker;

export interface BatchPart {
  kind: 'batch';
  /** Number of the batch in the stream, from 0. */
  index: number;
  /** Which of how many parts, from 1. */
  part: number;
  parts: number;
  event?: string;
  /** SHA-256 of the payload, hexadecimal. */
  digest: string;
  payload: Uint8Array;
}

/** All batches have been sent. */
export interface EndMarker {
  kind: 'end';
  /** How many there are. */
  index: number;
}

/** Their source has failed. A source that is started again goes on behind it. */
export interface ErrorMarker {
  kind: 'error';
  /** Batches sent before. */
  index: number;
  message: string;
}

/** Bytes of the largest payload, below the server's usual 1 MB. Not the server's own limit: parts must be the same on any. */
export const largestPayload = 512 * 1024;
const mostParts = 100_000;
const format = '1';

export const header = {
  format: 'Rxnas-Format',
  kind: 'Rxnas-Kind',
  index: 'Rxnas-Index',
  part: 'Rxnas-Part',
  event: 'Rxnas-Event',
  digest: 'Rxnas-Digest',
} as const;

/** Name of a stream, and of the rows in it. */
export const streamName = /^[A-Za-z][\w-]{0,63}$/;
/** As the server knows it. */
export const serverStream = (stream: string) => `RXNAS_STREAM_${stream}`;
export const streamSubject = (stream: string) => `rxnas.stream.${stream}`;

/** The messages of one batch. Throws exit code 1 where a single row is larger than a message may be. */
export function batchParts(batch: RecordBatch, index: number, event?: string): BatchPart[] {
  const payloads = inPieces(batch, Math.ceil(encodeStream(batch).length / largestPayload), index);
  return payloads.map((payload, i) => ({
    kind: 'batch',
    index,
    part: i + 1,
    parts: payloads.length,
    ...(event !== undefined && { event }),
    digest: sha256(payload),
    payload,
  }));
}

function inPieces(batch: RecordBatch, pieces: number, index: number): Uint8Array[] {
  if (pieces <= 1) return [encodeStream(batch)];
  const rows = Math.ceil(batch.numRows / pieces);
  const payloads: Uint8Array[] = [];
  for (let from = 0; from < batch.numRows; from += rows) {
    const payload = encodeStream(
      sliceBatch(batch as RecordBatch<Columns>, from, Math.min(from + rows, batch.numRows)),
    );
    if (payload.length > largestPayload) {
      if (rows === 1) {
        throw failure(
          `a row of batch ${index} has ${payload.length} bytes, a message may have ${largestPayload}`,
          'send it by the object store, or with smaller lists',
        );
      }
      return inPieces(batch, Math.min(batch.numRows, pieces * 2), index);
    }
    payloads.push(payload);
  }
  return payloads;
}

/** The headers of a message, by name. */
export function headersOf(message: StreamMessage): Record<string, string> {
  return {
    [header.format]: format,
    [header.kind]: message.kind,
    [header.index]: String(message.index),
    ...(message.kind === 'batch' && {
      [header.part]: `${message.part}/${message.parts}`,
      [header.digest]: message.digest,
      ...(message.event !== undefined && { [header.event]: message.event }),
    }),
  };
}

export const payloadOf = (message: StreamMessage): Uint8Array => {
  if (message.kind === 'batch') return message.payload;
  return Buffer.from(message.kind === 'error' ? message.message.slice(0, 2000) : '');
};

/** Names the same content on every attempt to send it, so that the server keeps it once. */
export const messageId = (message: StreamMessage): string => {
  const { kind, index } = message;
  return kind === 'batch'
    ? `${index}.${message.part}.${message.digest.slice(0, 32)}`
    : `${kind}.${index}.${sha256(payloadOf(message)).slice(0, 16)}`;
};

/** Why a message is no message of a stream of batches. Anyone who may publish can have sent it. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/**
 * The message behind headers and payload. Nothing is believed: sizes are checked against the bytes that are there, and the payload against its
 * digest.
 *
 * @throws Refused
 */
export function readMessage(headers: (name: string) => string, payload: Uint8Array): StreamMessage {
  if (headers(header.format) !== format)
    throw new Refused(`its format is '${shown(headers(header.format))}', not ${format}`);
  const kind = headers(header.kind);
  const index = wholeNumber(headers(header.index), 'number');
  if (kind === 'end') return { kind, index };
  if (kind === 'error')
    return { kind, index, message: printable(Buffer.from(payload.subarray(0, 2000)).toString()) };
  if (kind !== 'batch') throw new Refused(`its kind is '${shown(kind)}'`);
  const [part, parts] = headers(header.part)
    .split('/', 2)
    .map((text) => wholeNumber(text, 'part')) as [number, number];
  if (!(part >= 1 && part <= parts && parts <= mostParts))
    throw new Refused(`it is part ${part} of ${parts}`);
  const event = headers(header.event);
  if (event && !streamName.test(event)) throw new Refused(`its rows are called '${shown(event)}'`);
  const digest = headers(header.digest);
  if (payload.length > largestPayload) throw new Refused(`it has ${payload.length} bytes`);
  if (sha256(payload) !== digest) throw new Refused('its content does not match its digest');
  return { kind, index, part, parts, ...(event && { event }), digest, payload };
}

/** The rows of a part. Throws {@link Refused}. */
export function rowsOfPart({ payload }: BatchPart): RecordBatch<Columns> {
  try {
    return decodeStream(new Uint8Array(payload)); // aligned, and no view of all that came with it
  } catch (error) {
    throw new Refused(`it is no Arrow batch: ${(error as Error).message}`);
  }
}

function wholeNumber(text: string | undefined, what: string): number {
  if (!text || !/^\d{1,15}$/.test(text)) throw new Refused(`its ${what} is '${shown(text ?? '')}'`);
  return Number(text);
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const printable = (text: string) => text.replace(/[^\P{C}\n]/gu, '?');
const shown = (text: string) => printable(text.slice(0, 40)).replaceAll('\n', '?');
