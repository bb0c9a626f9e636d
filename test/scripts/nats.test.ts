import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { connectNats } from '../../src/core/nats/index.js';
import { freePort, natsServer } from '../support/nats.js';

const script = 'scripts/nats.mjs';
let port = 0;
afterEach(() => rmSync(`.cache/nats-${port}`, { recursive: true, force: true }));

it.skipIf(!natsServer)('npm run nats: prints the address, serves JetStream, ends with Ctrl-C', async () => {
  port = await freePort();
  const server = spawn(process.execPath, [script, '-p', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(server, 'exit');
  try {
    const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    expect(url).toBe(`nats://127.0.0.1:${port}`);
    const nats = await connectNats(url, {});
    await nats.manager.streams.add({ name: 'kept', subjects: ['kept'] });
    await nats.close();
    expect(existsSync(`.cache/nats-${port}/jetstream`)).toBe(true);
    const second = spawnSync(process.execPath, [script, '-p', String(port)], { encoding: 'utf8' });
    expect(second).toMatchObject({ status: 1, stderr: expect.stringContaining(`port ${port} is taken`) });
  } finally {
    server.kill('SIGINT');
  }
  expect(await ended).toEqual([0, null]);
});
