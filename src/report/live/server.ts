import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Observable } from 'rxjs';
import { failure } from '../../core/errors.js';
import { Latest } from './latest.js';

/** Pages that may follow at once; a browser opens six connections at most. */
const mostClients = 64;
/** Milliseconds between two signs of life. */
const heartbeat = 15_000;
/** Only this machine is served. */
const host = '127.0.0.1';

export interface LiveOptions<S extends object> {
  /** 0: one that is free. */
  port: number;
  /** The page that shows `state`, which is JSON; its script, which carries `nonce`, listens to `events` (`EventSource`). */
  page: (live: { nonce: string; events: string; state: string }) => string;
  /** Sections of the state as they change. */
  updates: Observable<Partial<S>>;
}

export interface Address {
  url: string;
  port: number;
}

/**
 * Serves a page and the state that it shows to browsers of this machine, while subscribed, from the first state on. Emits its address, and
 * fails with `updates`.
 *
 * A page listens to server-sent events: each is a JSON object of the sections that have changed since the one before. What a slow page has
 * not taken yet is not queued: it gets the newest of each section when it can take more, so memory is bounded by one event a page. A page
 * that was cut off goes on where it was (`Last-Event-ID`).
 *
 * Errors: exit code 1 where the port cannot be had.
 */
export function serveLive<S extends object>({ port, page, updates }: LiveOptions<S>): Observable<Address> {
  return new Observable((subscriber) => {
    const latest = new Latest<S>();
    const followers = new Set<Follower<S>>();
    const place = randomBytes(6).toString('base64url'); // another server on the same port has other versions

    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url?.split('?')[0];
      const refusal = refusalOf(request, address().port);
      if (refusal) return refuse(response, ...refusal);
      if (path === '/') {
        const nonce = randomBytes(18).toString('base64');
        response.writeHead(200, headers('text/html; charset=utf-8', nonce));
        const events = `/events?after=${place}.${latest.version}`;
        return response.end(page({ nonce, events, state: latest.since(0) ?? '{}' }));
      }
      if (path === '/favicon.ico') return response.writeHead(204, headers()).end();
      if (path !== '/events') return refuse(response, 404, 'there is nothing here; the page is at /');
      if (followers.size >= mostClients) return refuse(response, 503, 'too many pages follow already');
      response.writeHead(200, headers('text/event-stream'));
      const follower = new Follower(response, latest, place, versionOf(request, place));
      followers.add(follower);
      response.on('close', () => followers.delete(follower));
      return follower.tell();
    };

    const server = createServer((request, response) => {
      request.resume();
      answer(request, response);
    });
    const address = () => server.address() as AddressInfo;
    const pulse = setInterval(() => {
      for (const follower of followers) follower.greet();
    }, heartbeat);
    server.on('error', (error) => subscriber.error(portError(error, port)));
    server.on('listening', () => {
      const { port } = address();
      subscriber.next({ url: `http://${host}:${port}/`, port });
    });
    const subscription = updates.subscribe({
      next(changes) {
        if (latest.version === 0) server.listen({ host, port });
        latest.set(changes);
        for (const follower of followers) follower.tell();
      },
      error: (error) => subscriber.error(error),
    });
    return () => {
      subscription.unsubscribe();
      clearInterval(pulse);
      server.close();
      server.closeAllConnections();
    };
  });
}

/** A page that listens. */
class Follower<S extends object> {
  #blocked = false;

  constructor(
    readonly response: ServerResponse,
    readonly latest: Latest<S>,
    readonly place: string,
    /** What the page has. */
    private version: number,
  ) {
    response.on('drain', () => {
      this.#blocked = false;
      this.tell();
    });
    this.#write('retry: 1000\n\n');
  }

  /** Send what is new, or, where the last event is still on its way, leave it until that has gone. */
  tell(): void {
    const { version } = this.latest;
    const changes = this.#blocked ? undefined : this.latest.since(this.version);
    if (changes === undefined) return;
    this.version = version;
    this.#write(`id: ${this.place}.${version}\ndata: ${changes}\n\n`);
  }

  /** A comment, without which nobody would notice a connection that is gone. */
  greet(): void {
    if (!this.#blocked) this.#write(':\n\n');
  }

  #write(text: string): void {
    if (!this.response.write(text)) this.#blocked = true;
  }
}

/** The version of the state that a page has; 0, which no state has, where that is not one of this server. */
function versionOf(request: IncomingMessage, place: string): number {
  const asked = new URL(request.url!, 'http://localhost').searchParams.get('after');
  const [itsPlace, version] = String(request.headers['last-event-id'] ?? asked).split('.');
  return itsPlace === place && /^\d{1,15}$/.test(version ?? '') ? Number(version) : 0;
}

/** Status and reason for what is not answered. */
function refusalOf({ method, headers }: IncomingMessage, port: number): [number, string] | undefined {
  // A name that somebody else lets point here (DNS rebinding) would make this server's pages theirs.
  const names = [host, 'localhost'].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  if (!names.includes(headers.host ?? '')) return [403, `this server is for http://${names[0]}/ only`];
  if (method !== 'GET') return [405, 'GET is all there is'];
  const elsewhere = ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site']));
  if (elsewhere && headers['sec-fetch-mode'] !== 'navigate') return [403, 'not for pages of other sites'];
  return undefined;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  const more = status === 405 ? { allow: 'GET' } : status === 503 ? { 'retry-after': '5' } : {};
  response.writeHead(status, { ...headers('text/plain; charset=utf-8'), ...more }).end(`${reason}\n`);
}

/** The page may load nothing but itself, and nobody may embed it. */
function headers(type?: string, nonce?: string): Record<string, string> {
  return {
    ...(type && { 'content-type': type }),
    'content-security-policy': [
      "default-src 'none'",
      ...(nonce
        ? [
            `script-src 'nonce-${nonce}' 'wasm-unsafe-eval'`,
            "style-src 'unsafe-inline'",
            'worker-src blob:',
            'img-src data:',
            "connect-src 'self'",
          ]
        : []),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

function portError(error: Error, port: number): Error {
  const { code } = error as NodeJS.ErrnoException;
  const elsewhere = 'give another with --port, or leave it out for one that is free';
  if (code === 'EADDRINUSE') return failure(`port ${port} of ${host} is in use`, elsewhere, { cause: error });
  if (code === 'EACCES')
    return failure(`port ${port} of ${host} may not be used`, elsewhere, { cause: error });
  return failure(`port ${port} of ${host} cannot be had: ${error.message}`, elsewhere, { cause: error });
}
