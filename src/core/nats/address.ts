import { usageError, withoutSecrets } from '../errors.js';

/** Where servers listen, without anything that is secret. */
export interface NatsAddress {
  /** The servers of one cluster, at least one. */
  servers: { host: string; port: number }[];
  /** `tls://`: never go on without TLS. */
  tls: boolean;
  /** What stood before the `@`: user and password, or a token alone. */
  secret?: { user: string; password: string } | { token: string };
}

const defaultPort = 4222;

/**
 * The servers that `nats://host:4222` or `tls://a,tls://b` names.
 *
 * @param from what the text stands in, for the message
 */
export function natsAddress(text: string, from = 'the NATS server'): NatsAddress {
  const wrong = (why: string) =>
    usageError(
      `${from} is '${shown(text)}': ${why}`,
      'give nats://HOST:PORT or tls://HOST:PORT, several of a cluster with commas between them',
    );
  const address: NatsAddress = { servers: [], tls: false };
  for (const part of text.split(',')) {
    let url: URL;
    try {
      url = new URL(part.includes('://') ? part.trim() : `nats://${part.trim()}`);
    } catch {
      throw wrong('this is no address');
    }
    if (!['nats:', 'tls:'].includes(url.protocol)) throw wrong(`unknown protocol ${url.protocol}//`);
    if (!url.hostname) throw wrong('the host is missing');
    if (!['', '/'].includes(url.pathname) || url.search || url.hash)
      throw wrong('there is more than an address');
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    address.servers.push({ host, port: url.port ? Number(url.port) : defaultPort });
    if (url.protocol === 'tls:') address.tls = true;
    if (url.password) {
      const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
      address.secret = { user, password };
    } else if (url.username) {
      address.secret = { token: decodeURIComponent(url.username) };
    }
  }
  return address;
}

/**
 * The same of an address that everybody may read, as it stands on the command line or in a spec: with a secret in it, it is refused, and
 * the message does not repeat it.
 */
export function publicAddress(text: string, from: string): NatsAddress {
  const address = natsAddress(text, from);
  if (address.secret) {
    throw usageError(
      `${from} has a password or token in it: it would stand in the process list and in the run's files`,
      'give the address alone, and the rest by RXNAS_NATS_USER and RXNAS_NATS_PASSWORD, RXNAS_NATS_TOKEN, or --nats-creds FILE',
    );
  }
  return address;
}

/** An address without its secret, also where it has no protocol or is no address at all. */
const shown = (text: string): string => withoutSecrets(text).replace(/(^|,)[^@\s,/]*@/g, '$1');

/** `host:port`, as messages show it. */
export const serverNames = ({ servers }: NatsAddress): string =>
  servers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
