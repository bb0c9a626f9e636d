import { createHash, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { headers } from '@nats-io/transport-node';
import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import {
  catchError,
  concat,
  concatMap,
  defer,
  delay,
  from,
  ignoreElements,
  lastValueFrom,
  merge,
  NEVER,
  type Observable,
  of,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { type AnchorColumns, anchorBatch, anchorsOf, rowsOf } from '../../src/core/batch/index.js';
import { connectNats, type Nats, serverStream, streamSubject } from '../../src/core/nats/index.js';
import { largestPayload } from '../../src/core/nats/streamMessages.js';
import { batch } from '../../src/operators/batch.js';
import { type FromJetStreamOptions, fromJetStream } from '../../src/operators/fromJetStream.js';
import { inTurn } from '../../src/operators/inTurn.js';
import { pull } from '../../src/operators/pull.js';
import { type ToJetStreamOptions, toJetStream } from '../../src/operators/toJetStream.js';
import { operatorConformance } from '../conformance/operator.js';
import { natsServer, TestServer, testServer } from '../support/nats.js';

type Anchors = RecordBatch<AnchorColumns>;
const numbers = (first: number, count = 4) =>
  anchorBatch(Uint32Array.from({ length: count }, (_, i) => first + i));
const batches = (count: number) => Array.from({ length: count }, (_, i) => numbers(4 * i));
const fresh = () => `t${randomUUID()}`;

describe.skipIf(!natsServer)('by JetStream', () => {
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

  const to = (stream: string, options: Partial<ToJetStreamOptions> = {}) =>
    toJetStream<Anchors>({ stream, server: server.url, nats: {}, ...options });
  const out = (stream: string, options: Partial<FromJetStreamOptions> = {}) =>
    fromJetStream({ stream, server: server.url, nats: {}, ...options }) as Observable<Anchors>;
  const send = (stream: string, items: readonly Anchors[], options = {}) =>
    lastValueFrom(from(items).pipe(to(stream, options), toArray()));
  const receive = async (stream: string, options = {}) =>
    shown(await lastValueFrom(out(stream, options).pipe(toArray())));
  /** Rows, first one, and all of them in few letters. */
  const shown = (items: readonly Anchors[]) =>
    items.map((each) => {
      const rows = anchorsOf(each);
      return `${rows.length} from ${rows[0]}: ${createHash('md5').update(rows).digest('hex')}`;
    });
  const publish = async (stream: string, head: Record<string, string>, payload: Uint8Array | string = '') => {
    const named = headers();
    for (const [name, value] of Object.entries(head)) named.set(name, value);
    return nats.jetstream.publish(streamSubject(stream), payload, { headers: named });
  };

  operatorConformance<Anchors, Anchors>('toJetStream', {
    create: () => to(fresh()),
    items: () => batches(3),
    spec: toJetStream.spec,
    params: { stream: 'cells' },
  });

  operatorConformance<Anchors, Anchors>('toJetStream to fromJetStream', {
    create: () => (source) =>
      defer(() => {
        const stream = fresh();
        return merge(
          source.pipe(to(stream), ignoreElements()),
          out(stream).pipe(
            catchError((error) => (/has failed/.test(error.message) ? NEVER : throwError(() => error))),
          ),
        );
      }),
    items: () => batches(3),
    spec: fromJetStream.spec,
    params: { stream: 'cells' },
  });

  it('gives the bits that were sent, whatever their size and columns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 4 }), async (sizes) => {
        const stream = fresh();
        const items = sizes.map((size, i) => numbers(i * 1000, size));
        const sent = await send(stream, items);
        expect(sent.every((item, i) => item === items[i])).toBe(true);
        expect(await receive(stream)).toEqual(shown(items));
      }),
      { numRuns: 8 },
    );
  });

  it('sends a large batch in parts that any server takes', async () => {
    const stream = fresh();
    await send(stream, [numbers(0, 500_000)]);
    const { state } = await nats.manager.streams.info(serverStream(stream));
    expect(state.messages).toBe(1 + Math.ceil((500_000 * 4) / largestPayload));
    expect(await receive(stream)).toEqual(shown([numbers(0, 500_000)]));
  });

  it('single rows become batches of their event', async () => {
    const stream = fresh();
    const row = { round: 1, step: 2, decoded: 3, valid: 4, fresh: 5 };
    const rows = from([row, { ...row, round: 2 }]);
    await lastValueFrom(rows.pipe(toJetStream({ stream, server: server.url, nats: {}, event: 'proposal' })));
    const [first, second] = await lastValueFrom(out(stream, { event: 'proposal' }).pipe(toArray()));
    expect([...rowsOf(first as RecordBatch), ...rowsOf(second as RecordBatch)]).toEqual([
      row,
      { ...row, round: 2 },
    ]);
    await expect(
      lastValueFrom(rows.pipe(toJetStream({ stream: fresh(), server: server.url, nats: {} }))),
    ).rejects.toMatchObject({ exitCode: 1, hint: expect.stringContaining('event') });
  });

  it('a source that is started again sends what is missing, and nothing twice', async () => {
    const stream = fresh();
    const all = [numbers(0), numbers(4, 400_000), ...batches(6).slice(2)];
    for (let kill = 0; kill < 3; kill++) {
      await lastValueFrom(concat(from(all.slice(0, kill + 1)), NEVER).pipe(to(stream), take(kill + 1)));
    }
    expect(await send(stream, all)).toHaveLength(6);
    expect(await send(stream, all)).toHaveLength(6);
    const { state } = await nats.manager.streams.info(serverStream(stream));
    expect(state.messages).toBe(5 + 4 + 1);
    expect(await receive(stream)).toEqual(shown(all));
  });

  it.each([
    ['other rows', [...batches(2), numbers(99)], 'batch 2 differs'],
    ['fewer batches', batches(2), 'it has more than the 2 of this run'],
    ['more batches', batches(4), 'it ends after 3 batches, this run has more'],
  ])('refuses to go on in a stream with %s', async (_, items, message) => {
    const stream = fresh();
    const isLonger = items.length === 4;
    await (isLonger
      ? send(stream, batches(3))
      : lastValueFrom(concat(from(batches(3)), NEVER).pipe(to(stream), take(3))));
    await expect(send(stream, items)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining(message),
    });
  });

  it('refuses other rows of the same number in a stream that has ended', async () => {
    const stream = fresh();
    await send(stream, batches(3));
    await expect(send(stream, [numbers(1), numbers(2), numbers(3)])).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('batch 2 differs'),
    });
  });

  it('a source that was stopped does not end the stream', async () => {
    const stream = fresh();
    await send(stream, batches(2), { isStopped: () => true });
    const first = lastValueFrom(out(stream).pipe(toArray()));
    await setTimeout(50);
    await send(stream, batches(5));
    expect((await first).length).toBe(5);
  });

  it('tells readers of the failure of the source, and goes on when it is started again', async () => {
    const stream = fresh();
    const failing = concat(
      from(batches(2)),
      throwError(() => new Error('no more cells')),
    );
    await expect(lastValueFrom(failing.pipe(to(stream)))).rejects.toThrow('no more cells');
    await expect(receive(stream)).rejects.toMatchObject({
      exitCode: 1,
      message: `the source of the stream '${stream}' has failed: no more cells`,
    });
    await send(stream, batches(3));
    expect(await receive(stream)).toEqual(shown(batches(3)));
  });

  it('a reader may begin first, and waits; not for ever where it is told so', async () => {
    const stream = fresh();
    const early = receive(stream);
    await setTimeout(300);
    await send(stream, batches(3));
    expect(await early).toEqual(shown(batches(3)));
    await expect(receive(fresh(), { patience: 0.3 })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('nothing has come'),
    });
  });

  describe('from', () => {
    it('a sequence', async () => {
      const stream = fresh();
      await send(stream, [numbers(0), numbers(4, 200_000), numbers(8)]);
      expect(await receive(stream, { from: { sequence: 2 } })).toEqual(
        shown([numbers(4, 200_000), numbers(8)]),
      );
      expect(await receive(stream, { from: { sequence: 3 } })).toEqual(shown([numbers(8)]));
    });

    it('a time', async () => {
      const stream = fresh();
      await lastValueFrom(concat(from(batches(2)), NEVER).pipe(to(stream), take(2)));
      await setTimeout(20);
      const time = new Date().toISOString();
      await setTimeout(20);
      await send(stream, batches(4));
      expect(await receive(stream, { from: { time } })).toEqual(shown(batches(4).slice(2)));
    });
  });

  describe('credit', () => {
    it('asks for no more messages than there is credit, and acknowledges what was worked on', async () => {
      const stream = fresh();
      await send(stream, batches(40));
      const credit = new Credit(3);
      let most = 0;
      let done = 0;
      const unacknowledged = async () => {
        const [consumer] = await nats.manager.consumers.list(serverStream(stream)).next();
        return consumer!.num_ack_pending;
      };
      const items = await lastValueFrom(
        out(stream, { credit }).pipe(
          inTurn(
            { credit },
            concatMap(async ({ item }) => {
              if (++done === 20) {
                most = Math.max(most, await unacknowledged());
                await setTimeout(100);
                most = Math.max(most, await unacknowledged());
              }
              return item;
            }),
          ),
          toArray(),
        ),
      );
      expect(shown(items)).toEqual(shown(batches(40)));
      expect(credit.peak).toBeLessThanOrEqual(3);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(2 * 3 + 1);
    });

    it('goes on where many messages make one batch, or one many', async () => {
      for (const rows of [1, 3, 64]) {
        const stream = fresh();
        await send(stream, batches(30));
        const credit = new Credit(2);
        const items = await lastValueFrom(
          out(stream, { credit }).pipe(
            batch({ rows }),
            inTurn(
              { credit },
              concatMap(async ({ item }) => item),
            ),
            toArray(),
          ),
        );
        expect(items.flatMap((item) => [...anchorsOf(item)])).toEqual(
          Array.from({ length: 120 }, (_, i) => i),
        );
      }
    });

    it('a source that pulls waits for the server', async () => {
      const credit = new Credit(4);
      let given = 0;
      function* endless() {
        for (; given < 200; given++) yield numbers(given);
      }
      let ahead = 0;
      let stored = 0;
      await lastValueFrom(
        pull({ [Symbol.iterator]: endless }, credit).pipe(
          to(fresh(), { credit }),
          tap(() => {
            ahead = Math.max(ahead, given - stored++);
          }),
        ),
      );
      expect(stored).toBe(200);
      expect(ahead).toBeLessThanOrEqual(5);
    });

    it('a full stream makes the source wait until a reader has released something', async () => {
      const stream = fresh();
      const warnings: string[] = [];
      const items = Array.from({ length: 30 }, (_, i) => numbers(i, 50_000));
      const sent = send(stream, items, {
        maxBytes: 2 ** 20,
        onWarning: ({ code }: { code: string }) => warnings.push(code),
      });
      await setTimeout(200);
      const { state } = await nats.manager.streams.info(serverStream(stream));
      expect(state.bytes).toBeLessThanOrEqual(2 ** 20);
      expect(state.messages).toBeLessThan(30);
      expect(await receive(stream, { release: true })).toEqual(shown(items));
      expect(await sent).toHaveLength(30);
      expect(warnings).toContain('stream-full');
    });

    it('a reader that releases and is started again goes on behind what it took', async () => {
      const stream = fresh();
      await send(stream, batches(10));
      const first = await lastValueFrom(out(stream, { release: true }).pipe(take(4), toArray()));
      expect(shown(first)).toEqual(shown(batches(4)));
      const rest = await receive(stream, { release: true });
      // The last one was handed on, but not told done with.
      expect(rest).toEqual(shown(batches(10).slice(10 - rest.length)));
      expect(rest.length).toBeGreaterThanOrEqual(6);
      expect(rest.length).toBeLessThanOrEqual(7);
    });
  });

  describe('messages of strangers', () => {
    const good = async (stream: string) => {
      const found = (await nats.manager.streams.getMessage(serverStream(stream), { seq: 1 }))!;
      return {
        head: Object.fromEntries([...found.header].map(([name, [value]]) => [name, value!])),
        payload: found.data,
      };
    };

    it('are refused, counted and passed over', async () => {
      const stream = fresh();
      await lastValueFrom(concat(from(batches(2)), NEVER).pipe(to(stream), take(2)));
      const { head, payload } = await good(stream);
      delete head['Nats-Msg-Id'];
      delete head['Nats-Expected-Last-Sequence'];
      const cut = payload.subarray(0, payload.length - 40);
      const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
      await publish(stream, {}, 'hello');
      await publish(stream, { ...head, 'Rxnas-Format': '2' }, payload);
      await publish(stream, { ...head, 'Rxnas-Kind': 'code' }, 'process.exit()');
      await publish(stream, { ...head, 'Rxnas-Index': '-1' }, payload);
      await publish(stream, { ...head, 'Rxnas-Index': '1e9' }, payload);
      await publish(stream, { ...head, 'Rxnas-Part': '2/1' }, payload);
      await publish(stream, { ...head, 'Rxnas-Part': '1/999999999' }, payload);
      await publish(stream, { ...head, 'Rxnas-Index': '2' }, cut);
      await publish(stream, { ...head, 'Rxnas-Index': '2', 'Rxnas-Digest': digest(cut) }, cut);
      await publish(stream, head, payload);
      await send(stream, batches(4));
      const credit = new Credit(4);
      const refused: string[] = [];
      const read = await receive(stream, {
        credit,
        onWarning: (row: { message: string }) => refused.push(row.message),
      });
      expect(read).toEqual(shown(batches(4)));
      expect(credit.dropped).toBe(10);
      expect(refused.map((text) => text.replace(/^message (\d+) .* was refused: /, '$1 '))).toEqual([
        "3 its format is '', not 1",
        "4 its format is '2', not 1",
        "5 its kind is 'code'",
        "6 its number is '-1'",
        "7 its number is '1e9'",
        '8 it is part 2 of 1',
        '9 it is part 1 of 999999999',
        '10 its content does not match its digest',
        expect.stringMatching(/^11 it is no Arrow batch: /),
        '12 batch 0 was there before',
      ]);
    });

    it('that come while a source writes do not stop it', async () => {
      const stream = fresh();
      let sent = 0;
      const items = batches(20);
      await send(stream, [], { isStopped: () => true });
      await lastValueFrom(
        from(items).pipe(
          concatMap(async (item) => {
            if (sent++ % 5 === 4) await publish(stream, {}, 'hello');
            return item;
          }),
          to(stream),
        ),
      );
      expect(await receive(stream)).toEqual(shown(items));
    });

    it('that are larger than any of a stream do not get in', async () => {
      const stream = fresh();
      await send(stream, batches(1));
      await expect(publish(stream, {}, Buffer.alloc(900_000))).rejects.toThrow(/message size exceeds/);
    });

    it('with other columns or rows are refused where the reader has said which', async () => {
      const stream = fresh();
      await send(stream, batches(2), { event: 'anchors' });
      const refused: string[] = [];
      const onWarning = (row: { message: string }) => refused.push(row.message.replace(/.*refused: /, ''));
      const read = (options: Partial<FromJetStreamOptions>) => receive(stream, { ...options, onWarning });
      expect(await read({ columns: { anchor: 'uint32' }, event: 'anchors' })).toHaveLength(2);
      await expect(read({ columns: { tokens: 'int32[]' } })).rejects.toMatchObject({ exitCode: 3 });
      await expect(read({ event: 'step' })).rejects.toMatchObject({ exitCode: 3 });
      expect(refused.slice(0, 1)).toEqual(["its column 'tokens' is missing"]);
      expect(refused.slice(-1)).toEqual(["its rows are 'anchors', not 'step'"]);
    });

    it('two sources in one stream: the second one is told', async () => {
      const stream = fresh();
      const slow = from(batches(4)).pipe(
        concatMap((item) => of(item).pipe(delay(60))),
        to(stream),
      );
      const other = from([numbers(100), numbers(200), numbers(300), numbers(400)]).pipe(
        concatMap((item) => of(item).pipe(delay(60))),
        to(stream),
      );
      const outcomes = await Promise.allSettled([lastValueFrom(slow), lastValueFrom(other)]);
      expect(outcomes.map(({ status }) => status)).toContain('rejected');
      const { reason } = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
      expect(reason).toMatchObject({
        exitCode: 1,
        message: expect.stringMatching(/changed by somebody else|holds other batches/),
      });
    });

    it('batches that are missing from the stream are an error, not a gap', async () => {
      const stream = fresh();
      await send(stream, batches(5));
      await nats.manager.streams.deleteMessage(serverStream(stream), 3);
      await expect(receive(stream)).rejects.toMatchObject({
        exitCode: 3,
        message: `batch 2 is missing from the stream '${stream}'`,
      });
      await nats.manager.streams.purge(serverStream(stream), { seq: 5 });
      await expect(receive(stream)).rejects.toMatchObject({
        message: expect.stringContaining('batches 0 to 3 are missing'),
      });
    });
  });

  it('a stream of somebody else under that name is left alone', async () => {
    const stream = fresh();
    await nats.manager.streams.add({
      name: serverStream(stream),
      subjects: [streamSubject(stream)],
      retention: 'workqueue',
    });
    await expect(send(stream, batches(1))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('was not made by rxnas'),
    });
  });

  it('leaves no connection, consumer, timer or handle, however it ends', async () => {
    const connections = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await setTimeout(300);
    const before = connections();
    const stream = fresh();
    await send(stream, batches(5));
    await receive(stream);
    await lastValueFrom(out(stream).pipe(take(1)));
    const open = out(fresh()).subscribe();
    const writing = NEVER.pipe(to(fresh())).subscribe();
    await setTimeout(100);
    open.unsubscribe();
    writing.unsubscribe();
    out(fresh()).subscribe().unsubscribe();
    await setTimeout(300);
    expect(connections()).toBe(before);
    expect(await nats.manager.consumers.list(serverStream(stream)).next()).toEqual([]);
  });

  it('the server killed and started again on its store in the middle: nothing lost, nothing twice', async () => {
    const own = await testServer();
    const stream = fresh();
    const credit = new Credit(4);
    const items = Array.from({ length: 300 }, (_, i) => numbers(i * 10, 1 + (i % 7) * 3000));
    let kills = 0;
    let arrived = 0;
    const killer = (async () => {
      while (arrived === 0) await setTimeout(10);
      for (; kills < 4; kills++) {
        await setTimeout(60);
        await own.kill9();
        await own.restart();
      }
    })();
    const read = lastValueFrom(
      fromJetStream({ stream, server: own.url, nats: {}, credit }).pipe(
        inTurn(
          { credit },
          concatMap(({ item }) => of(item as Anchors).pipe(delay(1))),
        ),
        tap(() => arrived++),
        toArray(),
      ),
    );
    const written = lastValueFrom(
      from(items).pipe(
        concatMap((item) => of(item).pipe(delay(1))),
        toJetStream<Anchors>({ stream, server: own.url, nats: {} }),
        toArray(),
      ),
    );
    expect(shown(await written)).toEqual(shown(items));
    expect(shown(await read)).toEqual(shown(items));
    await killer;
    expect(kills).toBe(4);
  }, 30_000);
});
