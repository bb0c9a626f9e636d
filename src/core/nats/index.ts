export { scrubbed } from './address.js';
export { connectNats, type Nats } from './connection.js';
export { isPassing, isStreamFull, natsFault } from './faults.js';
export { type ObjectRef, Objects, type ObjectsOptions } from './objects.js';
export { type NatsOptions, natsOptions } from './options.js';
