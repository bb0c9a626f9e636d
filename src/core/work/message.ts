import { createHash } from 'node:crypto';
import { z } from 'zod';
import { exitCode } from '../errors.js';
import { sortedKeys } from '../json.js';

/** Version of the messages: to be raised when an older reader would misunderstand them. */
export const messageVersion = 1;

/** Bytes of the largest message that is read. */
export const largestMessage = 1 << 20;

const special = ['NaN', 'Infinity', '-Infinity', '-0'] as const;

/** A number of a message. JSON lacks NaN, the infinities and −0: they are texts. */
export const figure: z.ZodType<number> = z.union([z.number(), z.enum(special).transform(Number)]);

const withFigures = (_: string, value: unknown) =>
  typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))
    ? value
    : Object.is(value, -0)
      ? '-0'
      : String(value);

/** A message as JSON; equal values give equal bytes. */
export const toBytes = (value: object): Uint8Array =>
  Buffer.from(JSON.stringify(sortedKeys(value), withFigures));

/** The value of a message; undefined where it is none, or too large. */
export function fromBytes(bytes: Uint8Array, most = largestMessage): unknown {
  if (bytes.length > most) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A unit of work on its way to a worker. */
export const unitMessage = z.strictObject({
  v: z.literal(messageVersion),
  kind: z.string().max(40),
  /** How often it is begun whose process dies. */
  attempts: z.int().min(1).max(100),
  work: z.unknown(),
});
export type UnitMessage = z.output<typeof unitMessage>;

const answer = {
  v: z.literal(messageVersion),
  /** Who answers. */
  worker: z.string().max(200),
  /** How often the unit was handed to a worker. */
  deliveries: z.int().min(1),
  /** From taking the unit to the answer. */
  seconds: z.number().min(0),
};

/** What becomes of a unit: its result, an error that the user has to put right, or it was given up. */
export const answerMessage = z.union([
  z.strictObject({ ...answer, result: z.unknown() }).refine((value) => value.result !== undefined),
  z.strictObject({
    ...answer,
    error: z.strictObject({
      message: z.string().max(10_000),
      hint: z.string().max(10_000),
      exitCode: z.union([
        z.literal(exitCode.failure),
        z.literal(exitCode.usage),
        z.literal(exitCode.dataMissing),
        z.literal(exitCode.diverged),
      ]),
    }),
  }),
  z.strictObject({
    ...answer,
    gaveUp: z.strictObject({ attempts: z.int().min(1), reason: z.string().max(10_000) }),
  }),
]);
export type AnswerMessage = z.output<typeof answerMessage>;

/** What a unit of a run is known by everywhere: the same unit has the same key, whoever sends it, and however often. */
export const unitKey = (run: string, unit: Uint8Array): string =>
  createHash('sha256').update(`${run}\n`).update(unit).digest('hex').slice(0, 32);
