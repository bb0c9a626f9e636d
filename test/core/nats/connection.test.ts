import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { natsAddress, publicAddress } from '../../../src/core/nats/address.js';
import { connectNats, natsOptions } from '../../../src/core/nats/index.js';
import { freePort, natsServer, TestServer, testServer } from '../../support/nats.js';

describe('addresses', () => {
  it('name a host, several, with TLS, with a secret', () => {
    expect(natsAddress('nats://host')).toEqual({ servers: [{ host: 'host', port: 4222 }], tls: false });
    expect(natsAddress('tls://a:1,tls://[::1]:2')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      tls: true,
    });
    expect(natsAddress('nats://me:p%40ss@host:1').secret).toEqual({ user: 'me', password: 'p@ss' });
    expect(natsAddress('nats://secret@host').secret).toEqual({ token: 'secret' });
  });

  it.each(['http://host', 'nats://', 'nats://host/path', 'nats://host:99999', 'nats://a b'])(
    'refuses %s',
    (text) => {
      expect(() => natsAddress(text)).toThrow(expect.objectContaining({ exitCode: 2 }));
    },
  );

  it.each([
    'nats://me:hunter2@host',
    'nats://hunter2@host',
    'me:hunter2@host',
    'nats://a,nats://x:hunter2@b',
    'http://me:hunter2@host',
  ])('never repeat the secret of %s', (text) => {
    try {
      publicAddress(text, '--nats');
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, error])).not.toContain('hunter2');
      expect(error).toMatchObject({ exitCode: 2 });
    }
  });
});

describe('options of the environment', () => {
  it('say which file is missing', () => {
    expect(() => natsOptions({ RXNAS_NATS_CREDS: '/no/such' })).toThrow(
      'RXNAS_NATS_CREDS: the file /no/such does not exist',
    );
    expect(() => natsOptions({ RXNAS_NATS_PATIENCE: 'long' })).toThrow("RXNAS_NATS_PATIENCE is 'long'");
    expect(natsOptions({ RXNAS_NATS_PATIENCE: '3', RXNAS_NATS_USER: 'me' })).toEqual({
      patience: 3000,
      user: 'me',
    });
  });
});

describe.skipIf(!natsServer)('a connection', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it('answers requests and closes without a trace', async () => {
    const nats = await connectNats(server.url, {});
    expect(await nats.request(() => nats.manager.getAccountInfo())).toMatchObject({ streams: 0 });
    await nats.close();
    expect(await nats.closed).toBeUndefined();
  });

  it('finds localhost by its name', async () => {
    const nats = await connectNats(`nats://localhost:${server.port}`, {});
    await nats.close();
  });

  it('outlives a restart of the server, and requests wait for it', async () => {
    const own = await testServer();
    const nats = await connectNats(own.url, {});
    await nats.request(() => nats.manager.streams.add({ name: 'kept', subjects: ['kept'] }));
    await own.kill9();
    const info = nats.request(() => nats.manager.streams.info('kept'));
    await setTimeout(300);
    await own.restart();
    expect((await info).config.name).toBe('kept');
    await nats.close();
  });

  it('gives a server up that stays away, with what to do', async () => {
    const own = await testServer();
    const nats = await connectNats(own.url, { patience: 400 });
    await own.kill9();
    const gone = {
      exitCode: 1,
      message: expect.stringMatching(/^the NATS server at 127.0.0.1:\d+ (has been away for|does not answer)/),
    };
    await expect(nats.request(() => nats.manager.getAccountInfo())).rejects.toMatchObject(gone);
    expect(await nats.closed).toMatchObject(gone);
    await nats.close();
  });

  it('a signal ends the waiting', async () => {
    const own = await testServer();
    const nats = await connectNats(own.url, {});
    await own.kill9();
    const stop = new AbortController();
    const request = nats.request(() => nats.manager.getAccountInfo(), stop.signal);
    stop.abort(new Error('enough'));
    await expect(request).rejects.toThrow('enough');
    await nats.close();
  }, 10_000);

  it('no server: says so', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    await expect(connectNats(url, {})).rejects.toMatchObject({
      message: `no NATS server at ${url.slice(7)}: connection refused`,
      exitCode: 1,
    });
    await expect(connectNats('nats://no-such-host.invalid', {})).rejects.toThrow('this host name is unknown');
  });

  it('no JetStream: says so', async () => {
    const own = await testServer({ jetstream: false });
    await expect(connectNats(own.url, {})).rejects.toMatchObject({
      message: expect.stringContaining('has no JetStream'),
      exitCode: 1,
    });
  });

  it('an old server: says so', async () => {
    const info = {
      server_id: 'x',
      version: '2.8.4',
      jetstream: true,
      headers: true,
      max_payload: 1e6,
      proto: 1,
    };
    const old = createServer((socket) => {
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on('data', (text) => {
        if (String(text).includes('PING')) socket.write('PONG\r\n');
      });
    }).listen(0, '127.0.0.1');
    try {
      const { port } = await new Promise<{ port: number }>((resolve) =>
        old.once('listening', () => resolve(old.address() as { port: number })),
      );
      await expect(connectNats(`nats://127.0.0.1:${port}`, {})).rejects.toMatchObject({
        message: expect.stringContaining('has version 2.8.4, 2.9.0 or newer is needed'),
        exitCode: 1,
      });
    } finally {
      old.close();
    }
  });
});
