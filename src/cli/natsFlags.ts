import type { Options } from 'yargs';

/** Flags of commands that may connect to a NATS server, and the variables that they are short for. Secrets are in files: flags stand in `ps`. */
const flags = {
  'nats-creds': ['RXNAS_NATS_CREDS', 'creds file of a NATS user, or a file with its nkey seed'],
  'nats-user': ['RXNAS_NATS_USER', 'name of the NATS user'],
  'nats-password-file': ['RXNAS_NATS_PASSWORD_FILE', 'file with its password; or set RXNAS_NATS_PASSWORD'],
  'nats-token-file': ['RXNAS_NATS_TOKEN_FILE', 'file with a NATS token; or set RXNAS_NATS_TOKEN'],
  'nats-ca': ['RXNAS_NATS_CA', 'PEM file of the authority that signed the certificate of the NATS server'],
  'nats-cert': ['RXNAS_NATS_CERT', 'PEM file of our own certificate, where the NATS server wants one'],
  'nats-key': ['RXNAS_NATS_KEY', 'PEM file of its key'],
  'nats-patience': [
    'RXNAS_NATS_PATIENCE',
    'seconds for which a NATS server that is away is waited for; default: 120',
  ],
} as const;

export const natsFlags: Record<string, Options> = Object.fromEntries(
  Object.entries(flags).map(([name, [, describe]]) => [name, { type: 'string', describe, group: 'NATS:' }]),
);

/** Sets the variables that the flags are short for, so that processes that are started inherit them. */
export function useNatsFlags(args: Readonly<Record<string, unknown>>): void {
  for (const [name, [variable]] of Object.entries(flags)) {
    if (args[name] !== undefined) process.env[variable] = String(args[name]);
  }
}
