import { dataError, failure, RxnasError, usageError } from '../errors.js';

/** What the client and the server call their errors. */
type Fault = Error & { code?: string | number; cause?: unknown };

/** An error and what caused it, the outermost first. */
function* chain(error: unknown): Generator<Fault> {
  for (let each = error; each instanceof Error; each = each.cause) yield each as Fault;
}

const says = (error: unknown, pattern: RegExp) =>
  [...chain(error)].some((each) => pattern.test(each.message));
const isNamed = (error: unknown, ...names: string[]) =>
  [...chain(error)].some(({ name }) => names.includes(name));
/** The code that server, client or network give an error. */
export const errorCode = (error: unknown) => [...chain(error)].find(({ code }) => code !== undefined)?.code;

/** The error codes of the JetStream API, as the server has them. */
const api = {
  /** Starting up, electing a leader, or out of reach for a moment. */
  passing: [10007, 10008, 10009],
  /** Streams, consumers or bytes that the account or server allows. */
  limits: [10002, 10026, 10027, 10028, 10110, 10120, 10121, 10122],
  /** The server's disk or memory. */
  storage: [10023, 10047],
  storeFailed: 10077,
  tooLarge: 10054,
};

const resume = 'nothing is lost: then resume the run';

/** Whether a stream is as full as its own limits allow (`discard: new`): a publisher waits until a consumer has taken something. */
export const isStreamFull = (error: unknown): boolean =>
  errorCode(error) === api.storeFailed && says(error, /maximum (bytes|messages)( per subject)? exceeded/);

/** Whether the same request may succeed in a moment: the server restarts, elects a leader, or the network is away. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RxnasError || isNamed(error, 'ClosedConnectionError', 'DrainingConnectionError'))
    return false;
  return (
    isNamed(error, 'TimeoutError', 'NoResponders', 'ConnectionError', 'JetStreamNotEnabled') ||
    api.passing.includes(errorCode(error) as number) ||
    says(error, /^disconnect/)
  );
}

export const jetStreamOff = (where: string, options?: ErrorOptions): RxnasError =>
  failure(
    `the NATS server at ${where} has no JetStream`,
    'start it with -js (npm run nats does), or let its operator enable JetStream for this account',
    options,
  );

/**
 * What a user can do about an error of the client or server. Exit code 2 where the request is wrong (credentials, certificates), 1 where the
 * server is (away, full, too old).
 *
 * @param where the servers, `host:port`
 */
export function natsFault(error: unknown, where: string): RxnasError {
  if (error instanceof RxnasError) return error;
  const { message = String(error) } = error as Error;
  const because = { cause: error };
  const code = errorCode(error);
  if (isNamed(error, 'UserAuthenticationExpiredError')) {
    return usageError(`the credentials for ${where} have expired`, `get new ones; ${resume}`, because);
  }
  if (isNamed(error, 'AuthorizationError')) {
    return usageError(
      `the NATS server at ${where} refuses the credentials`,
      'set RXNAS_NATS_USER and RXNAS_NATS_PASSWORD, or RXNAS_NATS_TOKEN, or give --nats-creds FILE',
      because,
    );
  }
  if (isNamed(error, 'PermissionViolationError')) {
    return usageError(
      `the NATS server at ${where} does not allow it: ${message}`,
      'let this user publish and subscribe to $JS.API.>, $JS.ACK.>, _INBOX.> and rxnas.>',
      because,
    );
  }
  const tls = tlsFault(error, where);
  if (tls) return tls;
  if (isNamed(error, 'JetStreamNotEnabled') || code === 10039 || code === 10076) {
    return jetStreamOff(where, because);
  }
  if (says(error, /max_payload/) || code === api.tooLarge) {
    return failure(
      `a message is larger than the NATS server at ${where} allows`,
      'raise max_payload in its configuration (8MB at most is wise), or send smaller batches',
      because,
    );
  }
  if (isNamed(error, 'StreamNotFoundError')) {
    return dataError(
      `a stream is not on the NATS server at ${where}, or no more: ${message}`,
      'nats stream ls shows what is there; a run that is started again makes its streams anew',
      because,
    );
  }
  if (isStreamFull(error)) {
    return failure(
      `a stream at ${where} is full: ${message}`,
      `raise its limits or let a consumer take from it; ${resume}`,
      because,
    );
  }
  if (api.limits.includes(code as number)) {
    return failure(
      `the NATS server at ${where} allows no more: ${message}`,
      `remove streams that are done (nats stream rm), or raise the account's limits; ${resume}`,
      because,
    );
  }
  if (api.storage.includes(code as number) || code === api.storeFailed || says(error, /no space left/)) {
    return failure(
      `the NATS server at ${where} has no room to store: ${message}`,
      `free its disk, or raise max_file_store in its configuration; ${resume}`,
      because,
    );
  }
  if (isNamed(error, 'TimeoutError')) {
    return failure(
      `the NATS server at ${where} does not answer`,
      `see whether it runs and the network is there; ${resume}`,
      because,
    );
  }
  if (isUnreachable(error)) {
    return failure(
      `no NATS server at ${where}: ${reasonOf(error)}`,
      'start one (npm run nats), or see to the address and the network; nothing is lost',
      because,
    );
  }
  return failure(`the NATS server at ${where}: ${message}`, `see to it; ${resume}`, because);
}

const networkErrors = /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE)/;

const isUnreachable = (error: unknown) =>
  networkErrors.test(String(errorCode(error))) || isNamed(error, 'ConnectionError', 'ClosedConnectionError');

function reasonOf(error: unknown): string {
  const code = String(errorCode(error));
  if (/^ECONNREFUSED/.test(code)) return 'connection refused';
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'this host name is unknown';
  return (error as Error).message.toLowerCase();
}

export const certificateWanted = (where: string, cause: unknown): RxnasError =>
  usageError(
    `the NATS server at ${where} wants a client certificate that it trusts`,
    'give one with --nats-cert FILE and --nats-key FILE',
    { cause },
  );

function tlsFault(error: unknown, where: string): RxnasError | undefined {
  const code = String(errorCode(error));
  const because = { cause: error };
  if (says(error, /does not support 'tls'/)) {
    return usageError(
      `the NATS server at ${where} speaks no TLS`,
      'use nats:// where the network is your own, or give the server a certificate',
      because,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return usageError(
      `the certificate of ${where} is for another host`,
      'connect by the name in the certificate, or make one for this name',
      because,
    );
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return usageError(`the certificate of ${where} has expired`, 'renew it', because);
  }
  if (/^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_)/.test(code)) {
    return usageError(
      `the certificate of ${where} is not signed by an authority that is trusted here`,
      'give the authority with --nats-ca FILE',
      because,
    );
  }
  if (/certificate required|bad certificate|unknown ca/i.test((error as Error).message ?? '')) {
    return certificateWanted(where, error);
  }
  if (/^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/.test(code)) {
    return usageError(
      `TLS with ${where} failed: ${(error as Error).message}`,
      'see to the certificate, the key and the authority (--nats-ca, --nats-cert, --nats-key)',
      because,
    );
  }
  return undefined;
}
