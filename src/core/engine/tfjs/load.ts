import { createRequire } from 'node:module';
import type * as TfjsNode from '@tensorflow/tfjs-node';
import { failure } from '../../errors.js';

/** The tfjs-node module: tfjs with the native TensorFlow backend installed. */
export type Tfjs = typeof TfjsNode;

export interface LoadOptions {
  /**
   * TensorFlow's intra-op threads, decided by the first load of the process. Absent leaves TensorFlow's own choice
   * (every core). One thread a process and several processes is faster for small networks.
   */
  intraOpThreads?: number;
}

let loading: Promise<Tfjs> | undefined;

/**
 * Load tfjs-node, once a process and only when asked for (it takes about a second and may not be installed).
 * Rejects with exit code 1 where the native library cannot be loaded.
 */
export function loadTfjs(options: LoadOptions = {}): Promise<Tfjs> {
  loading ??= load(options).catch((error: unknown) => {
    loading = undefined;
    throw failure(
      `tfjs-node cannot be loaded: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      'run `npm run setup` to fetch or build it; `rxnas doctor` says what is missing',
      { cause: error },
    );
  });
  return loading;
}

async function load({ intraOpThreads }: LoadOptions): Promise<Tfjs> {
  // TensorFlow reads its environment when the library is mapped; 2 keeps warnings of CPU features and oneDNN quiet.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (intraOpThreads !== undefined) {
    process.env.TF_NUM_INTRAOP_THREADS = String(intraOpThreads);
    process.env.OMP_NUM_THREADS = String(intraOpThreads);
  }
  restoreRemovedUtilities();
  const tf = await import('@tensorflow/tfjs-node');
  await tf.ready();
  if (tf.getBackend() !== 'tensorflow') throw new Error('its native backend is not available');
  return tf;
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined` and `util.isArray`, which Node 23 removed. */
function restoreRemovedUtilities(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
