import { createConnection, isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { Authenticator, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { failure, type RxnasError, usageError } from '../errors.js';
import { type NatsAddress, natsAddress, publicAddress, serverNames } from './address.js';
import { certificateWanted, isPassing, jetStreamOff, natsFault } from './faults.js';
import { type NatsOptions, natsOptions } from './options.js';

/** The oldest server that has what is used here (pull consumers with limits on bytes, direct reads). */
const oldestServer = '2.9.0';
const defaultUrl = 'nats://127.0.0.1:4222';
const defaultPatience = 120_000;

const connectTimeout = 5_000;
/** A peer that is silent for three of these is gone: the client reconnects. */
const pingInterval = 5_000;
const reconnectEvery = 250;
const longestPause = 2_000;
const longestElection = 15_000;

/** A connection to NATS JetStream that outlives restarts of the server and gaps in the network, for `patience`. */
export interface Nats {
  /** The servers, `host:port`: shown in messages, without secrets. */
  readonly where: string;
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** How often the connection was made again: what was on its way then may be lost. */
  readonly reconnects: number;
  /** Bytes of the largest message that the server takes. */
  readonly maxPayload: number;
  /**
   * The answer to an idempotent request, made again while the server is away; after `patience`, or where the request itself is wrong, the
   * error of {@link natsFault}.
   *
   * @param signal ends the waiting, with its reason
   */
  request<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Resolves when the connection is no more: with the error where it was lost, without after {@link close}. */
  readonly closed: Promise<RxnasError | undefined>;
  /** Sends what is under way and closes; leaves no timer and no socket. */
  close(): Promise<void>;
}

/**
 * Connects to a NATS server and checks that it can do what is asked of it: credentials, TLS, version, JetStream. The packages are loaded
 * here, so that nothing else pays for them.
 *
 * @param url from the command line or a spec, so without secrets; default: `options.url`, else this machine
 * @throws RxnasError exit code 2 for a wrong address, credentials or certificate, 1 for a server that is away, too old or without JetStream
 */
export async function connectNats(url?: string, options: NatsOptions = natsOptions()): Promise<Nats> {
  const address =
    url === undefined
      ? natsAddress(options.url ?? defaultUrl, 'RXNAS_NATS_URL')
      : publicAddress(url, 'the NATS server');
  const where = serverNames(address);
  const { patience = defaultPatience } = options;
  const [transport, { jetstream, jetstreamManager }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ]);
  let connection: NatsConnection;
  try {
    const authenticator = authenticatorOf(address, options, transport);
    connection = await transport.connect({
      servers: where.split(','),
      name: options.name ?? 'rxnas',
      ...(authenticator ? { authenticator } : {}),
      ...tlsOf(address, options),
      resolve: false, // the socket does it, with /etc/hosts
      noAsyncTraces: true,
      timeout: connectTimeout,
      pingInterval,
      maxPingOut: 3,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => reconnectEvery,
    });
  } catch (error) {
    // A server that wants our certificate hangs up without a word once TLS is spoken.
    if (options.cert === undefined && (await wantsCertificate(address.servers[0]!)))
      throw certificateWanted(where, error);
    throw natsFault(error, where);
  }
  let lost: RxnasError | undefined;
  let isClosing = false;
  let isAway = false;
  let reconnects = 0;
  const underWay = new Set<(error: Error) => void>();
  const closed = connection.closed().then((error) => {
    if (isClosing) return undefined;
    lost ??= natsFault(error ?? new Error('the connection was closed'), where);
    return lost;
  });
  try {
    checkVersion(connection.info!.version, where);
    if (!connection.info!.jetstream) throw jetStreamOff(where);
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await answering(manager);
    void watch();
    return {
      where,
      connection,
      jetstream: jetstream(connection),
      manager,
      get maxPayload() {
        return connection.info!.max_payload;
      },
      get reconnects() {
        return reconnects;
      },
      request,
      closed,
      close,
    };
  } catch (error) {
    await close();
    throw natsFault(error, where);
  }

  /** Ends what is under way where the server is lost, and gives the server up after `patience`. */
  async function watch() {
    let timer: NodeJS.Timeout | undefined;
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') {
        isAway = false;
        reconnects++;
        clearTimeout(timer);
        timer = undefined;
      } else if (type === 'disconnect') {
        isAway = true;
        for (const end of underWay) end(new Error('disconnected'));
        timer ??= setTimeout(() => {
          lost = awayFor(patience);
          void connection.close();
        }, patience);
      }
    }
    clearTimeout(timer);
  }

  function awayFor(milliseconds: number) {
    return failure(
      `the NATS server at ${where} has been away for ${Math.round(milliseconds / 1000)} s`,
      'nothing is lost: see to it, then resume the run',
    );
  }

  async function request<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const began = performance.now();
    for (let failed = 0; ; failed++) {
      try {
        return await unlessEnded(attempt, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (lost) throw lost;
        if (!isPassing(error) || connection.isClosed()) throw natsFault(error, where);
        if (performance.now() - began > patience) throw awayFor(performance.now() - began);
      }
      const wait = Math.min(50 * 2 ** failed, longestPause);
      for (const until = performance.now() + wait; isAway || performance.now() < until; ) {
        await pause(Math.min(wait, 50));
        signal?.throwIfAborted();
        if (lost) throw lost;
      }
    }
  }

  /** The client lets a request whose server has gone wait until it is too late; here it ends with the connection, or with the signal. */
  function unlessEnded<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => reject(signal!.reason);
      signal?.addEventListener('abort', abort);
      underWay.add(reject);
      attempt()
        .then(resolve, reject)
        .finally(() => {
          underWay.delete(reject);
          signal?.removeEventListener('abort', abort);
        });
    });
  }

  async function close() {
    if (isClosing) return;
    isClosing = true;
    if (connection.isClosed()) return;
    // what was acknowledged last is still on its way; a server that is away is not waited for
    const late = new AbortController();
    await Promise.race([
      connection.flush().catch(() => {}),
      pause(1000, undefined, { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
    await connection.close();
  }
}

/** Waits for a cluster that is still choosing its leader; throws where there is no JetStream for us. */
async function answering(manager: JetStreamManager): Promise<void> {
  for (const began = performance.now(); ; ) {
    try {
      await manager.getAccountInfo();
      return;
    } catch (error) {
      const isOff = (error as Error).name === 'JetStreamNotEnabled';
      if (isOff || !isPassing(error) || performance.now() - began > longestElection) throw error;
      await pause(reconnectEvery);
    }
  }
}

/** Whether a server says in its greeting that clients have to show a certificate. */
function wantsCertificate({ host, port }: NatsAddress['servers'][number]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 1_000 });
    let greeting = '';
    const end = () => {
      socket.destroy();
      resolve(/"tls_verify":\s*true/.test(greeting));
    };
    socket.setEncoding('utf8').on('data', (text) => {
      greeting += text;
      if (greeting.includes('\n') || greeting.length > 10_000) end();
    });
    for (const event of ['error', 'timeout', 'close']) socket.on(event, end);
  });
}

function checkVersion(version: string, where: string) {
  const number = (text: string) => {
    const [major = 0, minor = 0, patch = 0] = text.split(/[.-]/).map(Number);
    return major * 1e6 + minor * 1e3 + patch;
  };
  if (number(version) < number(oldestServer)) {
    throw failure(
      `the NATS server at ${where} has version ${version}, ${oldestServer} or newer is needed`,
      'update it (npm run nats says how to get one)',
    );
  }
}

function authenticatorOf(
  { secret }: NatsAddress,
  { user, password, token, creds }: NatsOptions,
  transport: typeof import('@nats-io/transport-node'),
): Authenticator | undefined {
  const ways = { 'a user': user ?? password, 'a token': token, 'a creds file': creds };
  const named = Object.entries(ways).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (named.length > 1) {
    throw usageError(`${named.join(' and ')} are given for the NATS server`, 'give one way to log in');
  }
  if (creds !== undefined) return credsAuthenticator(creds, transport);
  if (token !== undefined) return transport.tokenAuthenticator(token);
  if (user !== undefined || password !== undefined) {
    if (user === undefined)
      throw usageError('a NATS password is given without a user', 'set RXNAS_NATS_USER');
    return transport.usernamePasswordAuthenticator(user, password);
  }
  if (!secret) return undefined;
  return 'token' in secret
    ? transport.tokenAuthenticator(secret.token)
    : transport.usernamePasswordAuthenticator(secret.user, secret.password);
}

/** A JWT with its seed, as `nsc` writes them, or a bare seed. */
function credsAuthenticator(
  creds: string,
  transport: typeof import('@nats-io/transport-node'),
): Authenticator {
  const bytes = new TextEncoder();
  const seed = /^\s*(SU[A-Z2-7]{56})\s*$/.exec(creds)?.[1];
  if (seed) return transport.nkeyAuthenticator(bytes.encode(seed));
  if (!/-----BEGIN NATS USER JWT-----[\s\S]+-----BEGIN USER NKEY SEED-----/.test(creds)) {
    throw usageError(
      'the creds file holds no NATS credentials',
      'give the .creds file of a user, or a file with an nkey seed (SU…)',
    );
  }
  return transport.credsAuthenticator(bytes.encode(creds));
}

function tlsOf({ servers, tls }: NatsAddress, options: NatsOptions): Pick<NodeConnectionOptions, 'tls'> {
  const { ca, cert, key, insecure = false } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError(
      'a client certificate for the NATS server needs its key',
      'give --nats-cert FILE and --nats-key FILE',
    );
  }
  // With a certificate of one's own, a server that has no TLS is the wrong one.
  const isWanted = tls || ca !== undefined || cert !== undefined || insecure;
  const names = servers.map(({ host }) => host);
  const name = names.find((host) => !isIP(host));
  const verification = {
    rejectUnauthorized: !insecure,
    ...(name ? { servername: name } : {}),
    // The client hands on no host for an address of digits; Node would then hold the certificate against 'localhost'.
    checkServerIdentity(_: string, certificate: PeerCertificate) {
      const faults = names.map((host) => checkServerIdentity(host, certificate));
      return faults.includes(undefined) ? undefined : faults[0];
    },
  };
  const files = { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
  return isWanted ? { tls: { ...verification, ...files } } : {};
}
