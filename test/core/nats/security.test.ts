import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats, type NatsOptions, natsFault, natsOptions } from '../../../src/core/nats/index.js';
import { natsServer, TestServer } from '../../support/nats.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Connects, and says how it went: what `connectNats` throws, or nothing. */
async function outcome(url: string, options: NatsOptions) {
  try {
    await (await connectNats(url, options)).close();
    return undefined;
  } catch (error) {
    expect(JSON.stringify([(error as Error).message, error, (error as Error).stack])).not.toContain(
      'hunter2',
    );
    return error;
  }
}
const file = (content: string) => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, content);
  return path;
};

describe.skipIf(!natsServer)('logging in', () => {
  let server: TestServer;
  afterAll(() => server?.stop());

  it('user and password: from the environment, a file, or the address in the environment', async () => {
    server = await TestServer.start({ config: 'authorization { user: me, password: hunter2 }' });
    const { url } = server;
    const refused = { exitCode: 2, message: `the NATS server at ${url.slice(7)} refuses the credentials` };
    expect(await outcome(url, natsOptions({}))).toMatchObject(refused);
    expect(await outcome(url, { user: 'me', password: 'hunter3' })).toMatchObject(refused);
    const me = { RXNAS_NATS_USER: 'me' };
    expect(await outcome(url, natsOptions({ ...me, RXNAS_NATS_PASSWORD: 'hunter2' }))).toBeUndefined();
    expect(
      await outcome(url, natsOptions({ ...me, RXNAS_NATS_PASSWORD_FILE: file('hunter2\n') })),
    ).toBeUndefined();
    const address = url.replace('nats://', 'nats://me:hunter2@');
    const inAddress = await connectNats(undefined, natsOptions({ RXNAS_NATS_URL: address }));
    expect(inAddress.where).toBe(url.slice(7));
    await inAddress.close();
    expect(await outcome(address, {})).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('has a password or token in it'),
    });
    await server.stop();
  });

  it('a token', async () => {
    server = await TestServer.start({ config: 'authorization { token: hunter2 }' });
    expect(await outcome(server.url, { token: 'no' })).toMatchObject({ exitCode: 2 });
    expect(await outcome(server.url, natsOptions({ RXNAS_NATS_TOKEN: 'hunter2' }))).toBeUndefined();
    expect(await outcome(server.url, { token: 'hunter2', user: 'me', password: 'x' })).toMatchObject({
      exitCode: 2,
      message: 'a user and a token are given for the NATS server',
    });
    await server.stop();
  });

  it('a file with an nkey seed', async () => {
    const key = nkeys.createUser();
    const seed = new TextDecoder().decode(key.getSeed());
    server = await TestServer.start({
      config: `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`,
    });
    expect(await outcome(server.url, natsOptions({ RXNAS_NATS_CREDS: file(`${seed}\n`) }))).toBeUndefined();
    const other = new TextDecoder().decode(nkeys.createUser().getSeed());
    expect(await outcome(server.url, { creds: other })).toMatchObject({ exitCode: 2 });
    expect(await outcome(server.url, { creds: 'hello hunter2' })).toMatchObject({
      exitCode: 2,
      message: 'the creds file holds no NATS credentials',
    });
    await server.stop();
  });

  it('a creds file: the JWT of a user, signed by its account, and its seed', async () => {
    const [operator, account, system, user] = [
      nkeys.createOperator(),
      nkeys.createAccount(),
      nkeys.createAccount(),
      nkeys.createUser(),
    ];
    const systemJwt = jwt(system.getPublicKey(), operator, { type: 'account', limits: {} });
    const accountJwt = jwt(account.getPublicKey(), operator, {
      type: 'account',
      limits: {
        subs: -1,
        data: -1,
        payload: -1,
        imports: -1,
        exports: -1,
        conn: -1,
        leaf: -1,
        mem_storage: -1,
        disk_storage: -1,
        streams: -1,
        consumer: -1,
      },
    });
    const operatorJwt = jwt(operator.getPublicKey(), operator, { type: 'operator' });
    const userJwt = jwt(user.getPublicKey(), account, {
      type: 'user',
      pub: {},
      sub: {},
      subs: -1,
      data: -1,
      payload: -1,
    });
    const seed = new TextDecoder().decode(user.getSeed());
    const creds = [
      ...['-----BEGIN NATS USER JWT-----', userJwt, '------END NATS USER JWT------', ''],
      ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
    ].join('\n');
    server = await TestServer.start({
      config: [
        `operator: ${operatorJwt}`,
        'resolver: MEMORY',
        `system_account: ${system.getPublicKey()}`,
        `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`,
      ].join('\n'),
    });
    expect(await outcome(server.url, natsOptions({ RXNAS_NATS_CREDS: file(creds) }))).toBeUndefined();
    const stranger = creds.replace(seed, new TextDecoder().decode(nkeys.createUser().getSeed()));
    expect(await outcome(server.url, { creds: stranger })).toMatchObject({ exitCode: 2 });
    await server.stop();
  });

  it('a user that may not do what is needed is told so', async () => {
    server = await TestServer.start({
      config:
        'authorization { users: [ { user: me, password: hunter2, permissions: { publish: "other", subscribe: ">" } } ] }',
    });
    expect(await outcome(server.url, { user: 'me', password: 'hunter2' })).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('does not allow it'),
      hint: expect.stringContaining('$JS.API.>'),
    });
    await server.stop();
  });
});

/** As `nsc` makes them: header, claims, signature of the issuer. */
function jwt(
  subject: string,
  issuer: { getPublicKey(): string; sign(bytes: Uint8Array): Uint8Array },
  nats: object,
): string {
  const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: 'x',
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    sub: subject,
    name: 'test',
    nats: { ...nats, version: 2 },
  };
  const signed = `${text({ typ: 'JWT', alg: 'ed25519-nkey' })}.${text(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

describe.skipIf(!natsServer || !hasOpenssl)('TLS', () => {
  let folder: string;
  let server: TestServer;
  const options = (more: Record<string, string> = {}) => natsOptions(more);
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

  beforeAll(async () => {
    const { mkdtempSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    folder = mkdtempSync(join(tmpdir(), 'rxnas-tls-'));
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    for (const authority of ['ca', 'other']) {
      openssl(
        'req',
        '-x509',
        ...key,
        '-keyout',
        `${authority}.key`,
        '-out',
        `${authority}.pem`,
        '-subj',
        `/CN=${authority}`,
        '-days',
        '2',
      );
    }
    const signed = (name: string, names: string, authority = 'ca', days = '2') => {
      writeFileSync(path(`${name}.ext`), `subjectAltName=${names}\n`);
      openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${authority}.pem`,
        '-CAkey',
        `${authority}.key`,
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        days,
        '-extfile',
        `${name}.ext`,
      );
    };
    signed('server', 'IP:127.0.0.1');
    signed('named', 'DNS:elsewhere.example');
    signed('client', 'DNS:client');
  });
  afterAll(async () => {
    await server?.stop();
    (await import('node:fs')).rmSync(folder, { recursive: true });
  });
  const start = async (name: string, more = '') => {
    await server?.stop();
    server = await TestServer.start({
      config: `tls { cert_file: "${path(`${name}.pem`)}", key_file: "${path(`${name}.key`)}"\n${more} }`,
    });
    return server.url.replace('nats:', 'tls:');
  };

  it('is spoken where the server has a certificate of an authority that is trusted, and only then', async () => {
    const url = await start('server');
    const untrusted = {
      exitCode: 2,
      message: expect.stringContaining('not signed by an authority that is trusted'),
    };
    expect(await outcome(url, options({ RXNAS_NATS_CA: path('ca.pem') }))).toBeUndefined();
    expect(await outcome(url, options({ RXNAS_NATS_CA: path('other.pem') }))).toMatchObject(untrusted);
    expect(await outcome(url, options())).toMatchObject(untrusted);
    expect(await outcome(url.replace('tls:', 'nats:'), options())).toMatchObject(untrusted);
    expect(await outcome(url, options({ RXNAS_NATS_INSECURE: '1' }))).toBeUndefined();
  });

  it('is not spoken with another host', async () => {
    const url = await start('named');
    expect(await outcome(url, options({ RXNAS_NATS_CA: path('ca.pem') }))).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('is for another host'),
    });
  });

  it('with a certificate of ours where the server wants one', async () => {
    const url = await start('server', `ca_file: "${path('ca.pem')}", verify: true`);
    const ca = { RXNAS_NATS_CA: path('ca.pem') };
    const ours = { RXNAS_NATS_CERT: path('client.pem'), RXNAS_NATS_KEY: path('client.key') };
    expect(await outcome(url, options({ ...ca, ...ours }))).toBeUndefined();
    expect(await outcome(url, options(ca))).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('wants a client certificate'),
    });
    expect(await outcome(url, options({ ...ca, RXNAS_NATS_CERT: path('client.pem') }))).toMatchObject({
      exitCode: 2,
      message: 'a client certificate for the NATS server needs its key',
    });
  });

  it('is insisted on where tls:// is asked for', async () => {
    await server?.stop();
    server = await TestServer.start();
    expect(await outcome(server.url.replace('nats:', 'tls:'), options())).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('speaks no TLS'),
    });
  });
});

describe.skipIf(!natsServer)('limits of the server', () => {
  it('too many streams, too large a message: one message each, with what to do', async () => {
    const server = await TestServer.start({
      config:
        'accounts { A { jetstream: { max_streams: 1 }, users: [ { user: me, password: hunter2 } ] } }\nmax_payload: 64KB',
    });
    const nats = await connectNats(server.url, { user: 'me', password: 'hunter2' });
    try {
      await nats.request(() => nats.manager.streams.add({ name: 'one', subjects: ['one'] }));
      await expect(
        nats.request(() => nats.manager.streams.add({ name: 'two', subjects: ['two'] })),
      ).rejects.toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('allows no more'),
      });
      await expect(
        nats.request(() => nats.jetstream.publish('one', Buffer.alloc(70_000))),
      ).rejects.toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('larger than the NATS server'),
      });
      expect(natsFault(new Error('hm'), 'here')).toMatchObject({
        exitCode: 1,
        message: 'the NATS server at here: hm',
      });
    } finally {
      await nats.close();
      await server.stop();
    }
  });
});
