import { z } from 'zod';
import { streamName } from '../core/nats/index.js';
import { fromEnvironment } from '../core/spec/grammar.js';

/** What the two ends of a stream have in common. */
export const streamParam = z
  .string()
  .regex(streamName, 'a letter, then at most 63 letters, digits, _ or -')
  .meta(fromEnvironment)
  .describe('name of the stream');

export const natsServerParam = z
  .string()
  .regex(/^(nats|tls):\/\/\S+$/, 'expected nats://HOST:PORT or tls://HOST:PORT')
  .regex(
    /^[^@]*$/,
    'no password or token belongs here: give it by RXNAS_NATS_USER and RXNAS_NATS_PASSWORD, or a file',
  )
  .optional()
  .meta(fromEnvironment)
  .describe('NATS server, `nats://host:4222`, without password; default: RXNAS_NATS_URL, else this machine');
