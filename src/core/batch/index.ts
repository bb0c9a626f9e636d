export * from './columns.js';
export * from './events.js';
export * from './rowBuffer.js';
export * from './streams.js';
