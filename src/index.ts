/** Everything that rxnas offers; `rxnas/core`, `rxnas/operators` and `rxnas/pipelines` are its parts. */
export * from './core/index.js';
export * from './operators/index.js';
export * from './pipelines/index.js';
