import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Objm } from '@nats-io/obj';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats, type Nats, Objects } from '../../../src/core/nats/index.js';
import { natsServer, TestServer, testServer } from '../../support/nats.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe.skipIf(!natsServer)('files by the object store', () => {
  let server: TestServer;
  let nats: Nats;
  beforeAll(async () => {
    server = await TestServer.start();
    nats = await connectNats(server.url, {});
  });
  afterAll(async () => {
    await nats.close();
    await server.stop();
  });

  const fileOf = (content: Buffer) => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, content);
    return path;
  };
  const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
  const store = () => new Objm(nats.jetstream).create('rxnas');

  it.each([0, 1, 131_072, 1_000_003])('%i bytes arrive as they were sent, once', async (bytes) => {
    const content = randomBytes(bytes);
    const sender = new Objects(nats);
    const ref = await sender.put(fileOf(content));
    expect(ref).toEqual({ sha256: sha256(content), bytes });
    const { revision } = (await (await store()).info(ref.sha256))!;
    await sender.put(fileOf(content));
    expect((await (await store()).info(ref.sha256))!.revision).toBe(revision);

    const folder = temporaryFolder();
    const receiver = new Objects(nats, { folder });
    const paths = await Promise.all([receiver.get(ref), receiver.get(ref)]);
    expect(readFileSync(paths[0]).equals(content)).toBe(true);
    expect(paths[1]).toBe(paths[0]);
    expect(readdirSync(folder)).toEqual([ref.sha256]);
  });

  it('what was kept is used without the server, unless it was changed', async () => {
    const content = randomBytes(1000);
    const ref = await new Objects(nats).put(fileOf(content));
    const receiver = new Objects(nats, { folder: temporaryFolder() });
    const path = await receiver.get(ref);
    await (await store()).delete(ref.sha256);
    expect(await receiver.get(ref)).toBe(path);
    writeFileSync(path, randomBytes(1000));
    await expect(receiver.get(ref)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('is not on the NATS server'),
    });
  });

  it('refuses what is not what its name says, and keeps nothing of it', async () => {
    const content = randomBytes(500_000);
    const name = sha256(randomBytes(8));
    await (await store()).putBlob({ name }, content);
    const folder = temporaryFolder();
    const receiver = new Objects(nats, { folder });
    await expect(receiver.get({ sha256: name, bytes: 500_000 })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('is not what its name says'),
    });
    await expect(receiver.get({ sha256: name, bytes: 499_999 })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('has 500000 bytes, not 499999'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    { sha256: '../../etc/passwd', bytes: 1 },
    { sha256: 'A'.repeat(64), bytes: 1 },
    { sha256: '0'.repeat(64), bytes: -1 },
    { sha256: '0'.repeat(64), bytes: 1e300 },
  ])('refuses the name %j', async (ref) => {
    await expect(new Objects(nats).get(ref)).rejects.toMatchObject({ exitCode: 3 });
  });

  it('has a largest size, on both sides', async () => {
    const ref = await new Objects(nats).put(fileOf(randomBytes(2000)));
    const small = new Objects(nats, { limit: 1000, folder: temporaryFolder() });
    await expect(small.get(ref)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('more than 1000 are taken'),
    });
    await expect(small.put(fileOf(randomBytes(2000)))).rejects.toMatchObject({ exitCode: 1 });
  });

  it('a server that stands still for a moment is waited for', async () => {
    const content = randomBytes(3_000_000);
    const ref = await new Objects(nats).put(fileOf(content));
    process.kill(server.pid, 'SIGSTOP');
    const path = new Objects(nats, { folder: temporaryFolder() }).get(ref);
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(server.pid, 'SIGCONT');
    expect(readFileSync(await path).equals(content)).toBe(true);
  });

  it('an object whose pieces are gone is given up', async () => {
    const ref = await new Objects(nats).put(fileOf(randomBytes(1000)));
    await nats.manager.streams.purge('OBJ_rxnas', { filter: '$O.rxnas.C.>' });
    const folder = temporaryFolder();
    await expect(new Objects(nats, { folder, stall: 200 }).get(ref)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('has not gone on arriving'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a server without room for it: says so', async () => {
    const full = await testServer({ limits: 'max_file: 1MB' });
    const connection = await connectNats(full.url, {});
    try {
      await expect(new Objects(connection).put(fileOf(randomBytes(3_000_000)))).rejects.toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('no room to store'),
      });
    } finally {
      await connection.close();
    }
  });
});
