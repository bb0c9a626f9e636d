import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { createServer } from 'node:net';
import { firstValueFrom, of, Subject, type Subscription } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import type { RxnasError } from '../../../src/core/errors.js';
import { type Address, serveLive } from '../../../src/report/live/server.js';

interface State {
  curve: unknown;
  map: unknown;
}

/** A served page whose state the test changes. */
async function serve(first: Partial<State> = { curve: 0 }) {
  const updates = new Subject<Partial<State>>();
  let subscription: Subscription | undefined;
  const address = new Promise<Address>((resolve, reject) => {
    subscription = serveLive<State>({
      port: 0,
      updates,
      page: ({ nonce, events, state }) => `<script nonce="${nonce}">${events} ${state}</script>`,
    }).subscribe({ next: resolve, error: reject });
  });
  onTestFinished(() => subscription!.unsubscribe());
  updates.next(first);
  return { ...(await address), updates, stop: () => subscription!.unsubscribe() };
}

const open = (
  port: number,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: OutgoingHttpHeaders } = {},
) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, resolve);
    sent.on('error', reject).end();
    onTestFinished(() => void sent.destroy());
  });

async function text(response: IncomingMessage): Promise<string> {
  let all = '';
  for await (const part of response.setEncoding('utf8')) all += part;
  return all;
}

/** A page that listens; `until` waits for an event whose sections `want` accepts. */
async function follow(port: number, path = '/events', headers: OutgoingHttpHeaders = {}) {
  const response = await open(port, path, { headers });
  expect(response.headers['content-type']).toBe('text/event-stream');
  const events: { id: string; data: Partial<State> }[] = [];
  let rest = '';
  let wake = () => {};
  response.setEncoding('utf8').on('data', (part: string) => {
    const blocks = (rest + part).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, id, data] = /^id: (.+)\ndata: (.+)$/.exec(block) ?? [];
      if (id) events.push({ id, data: JSON.parse(data!) });
    }
    wake();
  });
  const until = async (want: (data: Partial<State>) => boolean) => {
    for (;;) {
      const found = events.find(({ data }) => want(data));
      if (found) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { response, events, until };
}

it('sends what there is, and then only the sections that change', async () => {
  const { port, updates } = await serve({ curve: [1, 2], map: [0, Number.NaN] });
  const { events, until } = await follow(port);
  await until(({ curve }) => curve !== undefined);
  expect(events.map(({ data }) => data)).toEqual([{ curve: [1, 2], map: [0, null] }]);
  updates.next({ curve: [1, 2, 3] });
  updates.next({ curve: [1, 2, 3] });
  updates.next({ map: 'moved' });
  await until(({ map }) => map === 'moved');
  expect(events.slice(1).map(({ data }) => data)).toEqual([{ curve: [1, 2, 3] }, { map: 'moved' }]);
});

it('lets a page that was cut off go on where it was, and gives another server’s page everything', async () => {
  const { port, updates } = await serve({ curve: 1, map: 1 });
  const first = await follow(port);
  const { id } = await first.until(({ curve }) => curve === 1);
  first.response.destroy();
  updates.next({ map: 2 });
  const again = await follow(port, '/events', { 'last-event-id': id });
  expect((await again.until(() => true)).data).toEqual({ map: 2 });
  const foreign = await follow(port, '/events?after=elsewhere.1');
  expect((await foreign.until(() => true)).data).toEqual({ curve: 1, map: 2 });
});

it('gives a page its state, and lets it listen from there', async () => {
  const { port, updates, url } = await serve({ curve: '</script>' });
  const page = await open(port, '/');
  const [, nonce, events, state] = /nonce="(.+?)">(\S+) (.+)<\/script>$/.exec(await text(page))!;
  expect(JSON.parse(state!)).toEqual({ curve: '</script>' });
  expect(state).not.toContain('</script>');
  expect(page.headers['content-security-policy']).toContain(`script-src 'nonce-${nonce}'`);
  const follower = await follow(port, events);
  updates.next({ map: 1 });
  expect((await follower.until(() => true)).data).toEqual({ map: 1 });
  expect(url).toBe(`http://127.0.0.1:${port}/`);
});

it('keeps no more than an event for a page that does not read, which gets the newest when it does', async () => {
  const { port, updates } = await serve();
  const slow = await open(port, '/events');
  slow.pause();
  const before = process.memoryUsage();
  const large = 'x'.repeat(500_000);
  for (let i = 0; i < 200; i++) {
    updates.next({ curve: `${i}${large}` });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const { external, arrayBuffers, heapUsed } = process.memoryUsage();
  const grown = external + arrayBuffers + heapUsed - before.external - before.arrayBuffers - before.heapUsed;
  expect(grown).toBeLessThan(50e6); // 100 MB went by
  let all = '';
  await new Promise<void>((resolve) => {
    slow.setEncoding('utf8').on('data', (part: string) => {
      all += part;
      if (part.endsWith('\n\n') && all.includes('"199x')) resolve();
    });
    slow.resume();
  });
  expect(all.match(/^id: /gm)!.length).toBeLessThan(30);
});

it('answers its own address only, to GET, and forbids the page everything but itself', async () => {
  const { port } = await serve();
  const status = async (path: string, options?: Parameters<typeof open>[2]) =>
    (await open(port, path, options)).statusCode;
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    `127.0.0.1.evil.example:${port}`,
    '127.0.0.1',
  ]) {
    expect(await status('/', { headers: { host } })).toBe(403);
  }
  expect(await status('/', { headers: { host: `localhost:${port}` } })).toBe(200);
  expect(await status('/events', { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
  expect(await status('/', { method: 'POST' })).toBe(405);
  expect(await status('/', { method: 'OPTIONS' })).toBe(405);
  expect(await status('/etc/passwd')).toBe(404);
  const { headers } = await open(port, '/');
  expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});

it('refuses pages beyond a number, and takes others when some have gone', async () => {
  const { port } = await serve();
  const followers = [];
  for (let i = 0; i < 64; i++) followers.push(await open(port, '/events'));
  expect((await open(port, '/events')).statusCode).toBe(503);
  followers[0]!.destroy();
  let status = 503;
  while (status === 503) status = (await open(port, '/events')).statusCode!;
  expect(status).toBe(200);
});

it('says that a port is in use, and what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const error: RxnasError = await firstValueFrom(
    serveLive({ port, updates: of({ curve: 1 }), page: () => '' }),
  ).catch((error) => error);
  expect(error.message).toBe(`port ${port} of 127.0.0.1 is in use`);
  expect(error).toMatchObject({ exitCode: 1, hint: expect.stringContaining('--port') });
});

it('leaves nothing open when it is stopped', async () => {
  const { port, stop } = await serve();
  const { response } = await follow(port);
  const closed = new Promise((resolve) => response.on('close', resolve));
  response.on('error', () => {});
  stop();
  await closed;
  await expect(open(port, '/')).rejects.toThrow(/ECONNREFUSED/);
});
