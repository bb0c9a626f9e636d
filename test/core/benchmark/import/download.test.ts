import { createHash } from 'node:crypto';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type DownloadOptions,
  download,
  officialFiles,
} from '../../../../src/core/benchmark/import/download.js';
import { stream } from '../../../../src/core/random/random.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const random = stream(1, 'download');
const content = Buffer.from(Uint8Array.from({ length: 300_000 }, () => random.int(256)));
const sha256 = createHash('sha256').update(content).digest('hex');

/** Serves `content` as `answer` has it. */
async function served(answer: RequestListener) {
  const requests: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`, requests };
}

/** A server of ranges that ends each connection after `most` bytes. */
const cutting =
  (most: number, etag = '"a"'): RequestListener =>
  (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const rest = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': rest.length,
      etag,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    response.write(rest.subarray(0, most), () => (rest.length > most ? response.destroy() : response.end()));
  };

async function fetched(url: string, options: DownloadOptions & { sha256?: string }) {
  let file: string | undefined;
  const done: number[] = [];
  for await (const progress of download(
    { url, sha256: options.sha256 ?? sha256 },
    { pause: 1, ...options },
  )) {
    done.push(progress.done);
    file = progress.file;
  }
  return { file: file!, done };
}

describe('a download', () => {
  it('goes on after each cut, and gives the file once its checksum fits', async () => {
    const folder = temporaryFolder();
    const { url, requests } = await served(cutting(70_000));
    const { file, done } = await fetched(url, { folder });
    expect(file).toBe(join(folder, 'file.bin'));
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(existsSync(`${file}.part`)).toBe(false);
    expect(requests.length).toBeGreaterThanOrEqual(5);
    expect(requests.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ''))).toBe(true);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    // Nothing is fetched twice.
    const before = requests.length;
    expect((await fetched(url, { folder })).file).toBe(file);
    expect(requests).toHaveLength(before);
  });

  it('goes on from what a process that ended has left', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file.bin.part'), content.subarray(0, 123_456));
    const { url, requests } = await served(cutting(content.length));
    expect(readFileSync((await fetched(url, { folder })).file).equals(content)).toBe(true);
    expect(requests).toEqual(['bytes=123456-']);
    writeFileSync(join(folder, 'other.bin.part'), content);
    const whole = await fetched(url.replace('file', 'other'), { folder });
    expect(readFileSync(whole.file).equals(content)).toBe(true);
  });

  it('begins again where the server has no ranges', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file.bin.part'), content.subarray(0, 1000));
    const { url } = await served((_, response) => response.end(content));
    expect(readFileSync((await fetched(url, { folder })).file).equals(content)).toBe(true);
  });

  it('with another checksum is refused, and begins anew the next time', async () => {
    const folder = temporaryFolder();
    const { url } = await served(cutting(content.length));
    const wrong = fetched(url, { folder, sha256: '0'.repeat(64) });
    await expect(wrong).rejects.toMatchObject({ exitCode: 3, message: expect.stringMatching(/SHA-256/) });
    expect(existsSync(join(folder, 'file.bin'))).toBe(false);
    expect(existsSync(join(folder, 'file.bin.part'))).toBe(false);
    const { file } = await fetched(url, { folder });
    truncateSync(file, 1000);
    await expect(fetched(url, { folder })).rejects.toMatchObject({ exitCode: 3 });
  });

  it('gives up where nothing more comes, and keeps what has come', async () => {
    const folder = temporaryFolder();
    const { url, requests } = await served((request, response) =>
      request.headers.range ? response.writeHead(503).end() : cutting(50_000)(request, response),
    );
    await expect(fetched(url, { folder, attempts: 2 })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/cannot fetch http:.*status 503/),
      hint: expect.stringMatching(/50000 bytes that have come are kept.*--from-file/),
    });
    expect(requests).toHaveLength(4);
    expect(readFileSync(join(folder, 'file.bin.part')).length).toBe(50_000);
    const missing = await served((_, response) => response.writeHead(404).end());
    await expect(fetched(missing.url, { folder: temporaryFolder() })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/status 404/),
    });
    expect(missing.requests).toHaveLength(1);
  });

  it('that is stopped ends its connection, and keeps what has come', async () => {
    const folder = temporaryFolder();
    const closed = new Promise<void>((resolve) => {
      void served((_, response) => {
        response.on('close', resolve);
        response.write(content.subarray(0, 1000));
      }).then(async ({ url }) => {
        for await (const _ of download({ url, sha256 }, { folder })) break;
      });
    });
    await closed;
    expect(readFileSync(join(folder, 'file.bin.part')).equals(content.subarray(0, 1000))).toBe(true);
  });

  it('knows the published files', () => {
    for (const { url, sha256 } of Object.values(officialFiles)) {
      expect(new URL(url)).toMatchObject({ protocol: 'https:', host: 'storage.googleapis.com' });
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});
