import { z } from 'zod';
import { RxnasError } from '../core/errors.js';
import { publicAddress } from '../core/nats/address.js';
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
  .superRefine((text, context) => {
    try {
      publicAddress(text, 'the address');
    } catch (error) {
      if (!(error instanceof RxnasError)) throw error;
      context.addIssue({ code: 'custom', message: `${error.message}; ${error.hint}` });
    }
  })
  .optional()
  .meta(fromEnvironment)
  .describe('NATS server, `nats://host:4222`, without password; default: RXNAS_NATS_URL, else this machine');
