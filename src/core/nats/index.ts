export { connectNats, type Nats } from './connection.js';
export { isPassing, isStreamFull, natsFault } from './faults.js';
export { type ObjectRef, Objects, type ObjectsOptions } from './objects.js';
export { type NatsOptions, natsOptions } from './options.js';
export { Refused, serverStream, streamName, streamSubject } from './streamMessages.js';
export { type StreamBatch, StreamReader, type StreamReaderOptions } from './streamReader.js';
export { StreamWriter, type StreamWriterOptions } from './streamWriter.js';
