import { setTimeout } from 'node:timers/promises';
import { concatMap, delay, from, lastValueFrom, of, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { anchorBatch, anchorsOf } from '../../../src/core/batch/index.js';
import { connectNats, serverStream } from '../../../src/core/nats/index.js';
import { fromJetStream } from '../../../src/operators/fromJetStream.js';
import { toJetStream } from '../../../src/operators/toJetStream.js';
import { freePort, natsServer, testServer } from '../../support/nats.js';

it.skipIf(!natsServer)(
  'a cluster of three loses one server while a stream is written and read: nothing is lost',
  async () => {
    const routes = [await freePort(), await freePort(), await freePort()];
    const all = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    const servers = await Promise.all(
      routes.map((port, i) =>
        testServer({
          config: `server_name: n${i}\ncluster { name: rxnas, listen: "127.0.0.1:${port}", routes: [${all}] }`,
        }),
      ),
    );
    const server = servers.map(({ url }) => url).join(',');
    const nats = await connectNats(server, {});
    const stream = { stream: 'cells', server, nats: {} };
    const count = 100;
    const items = Array.from({ length: count }, (_, i) => anchorBatch(Uint32Array.of(i)));
    const written = lastValueFrom(
      from(items).pipe(
        concatMap((item) => of(item).pipe(delay(20))),
        toJetStream({ ...stream, replicas: 3 }),
        toArray(),
      ),
    );
    const read = lastValueFrom(fromJetStream(stream).pipe(toArray()));
    const info = () => nats.request(() => nats.manager.streams.info(serverStream('cells')));
    let leader: string | undefined;
    for (let wait = 0; !leader && wait < 500; wait++) {
      await setTimeout(20);
      leader = await info().then(
        ({ cluster, state }) => (state.messages > 5 ? cluster?.leader : undefined),
        () => undefined, // not there yet
      );
    }
    const { config } = await info();
    expect(config.num_replicas).toBe(3);
    await servers[Number(leader!.slice(1))]!.kill9();
    expect((await info()).state.messages).toBeLessThan(count);
    expect(await written).toHaveLength(count);
    expect((await read).map((batch) => anchorsOf(batch as (typeof items)[0])[0])).toEqual(
      items.map((_, i) => i),
    );
    await nats.close();
  },
  60_000,
);
