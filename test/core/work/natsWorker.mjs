/* A worker of the test kind in a process of its own: `node natsWorker.mjs URL SLOTS [LEASE]`. SIGTERM lets it leave. */
import { z } from 'zod';
import { dataError } from '../../../dist/core/errors.js';
import { connectNats } from '../../../dist/core/nats/index.js';
import { NatsWorker } from '../../../dist/core/nats/worker.js';
import { handler } from './handler.mjs';

const [url, slots, lease] = process.argv.slice(2);
const kind = {
  name: 'test',
  summary: 'what a test wants',
  message: z.looseObject({ kind: z.string() }),
  result: () => z.unknown(),
  describe: ({ kind, value }) => `the unit ${kind} ${value}`,
  load: async () => handler(dataError),
  script: new URL('./worker.mjs', import.meta.url),
};
const files = { send: async () => '', fetch: async () => '' };
const nats = await connectNats(url, { patience: 2 ** 31 - 1 });
const worker = new NatsWorker({
  nats,
  kinds: [kind],
  slots: Number(slots),
  files,
  ...(lease && { lease: Number(lease) }),
});
process.on('SIGTERM', () => worker.leave(10_000));
const working = worker.run();
console.log(worker.id);
await working;
await nats.close();
