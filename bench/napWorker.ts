/* A worker for the measurement: `node napWorker.js URL`. SIGTERM ends it. */
import { connectNats } from '../src/core/nats/index.js';
import { NatsWorker } from '../src/core/nats/worker.js';
import { napKind } from './scaleKind.js';

const nats = await connectNats(process.argv[2]);
const files = { send: async () => '', fetch: async () => '' };
const worker = new NatsWorker({ nats, kinds: [napKind], slots: 1, files });
process.on('SIGTERM', () => worker.leave(0));
console.log('ready');
await worker.run();
await nats.close();
