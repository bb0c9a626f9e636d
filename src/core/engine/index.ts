import { type output, z } from 'zod';
import { exitCode, RxnasError } from '../errors.js';
import { kernels } from '../kernels/kernels.js';
import type { Component } from '../spec/component.js';
import { unknownName } from '../suggest.js';
import type { Engine, EngineName, EngineOptions, StandardEngineName } from './engine.js';

/** What `auto` chooses among, in its order. */
export const standardEngineNames: readonly StandardEngineName[] = ['tfjs', 'simd'];
/** All that can be asked for by name. */
export const engineNames = ['tfjs', 'simd', 'simd-relaxed'] as const satisfies readonly EngineName[];

/** An engine and, for the reader of a log, why it is this one. */
export type OpenedEngine = Engine & { readonly reason: string };

/**
 * The engine of that name; `auto` is tfjs where tfjs-node loads, else simd. Only what is opened is loaded. Until the engine is disposed of,
 * miners and losses are computed on as many threads.
 * Errors: exit code 2 for an unknown name or number of threads, 1 where the engine asked for does not load.
 */
export async function openEngine(
  name: 'auto' | EngineName,
  options: EngineOptions = {},
): Promise<OpenedEngine> {
  if (name !== 'auto') return withReason(await create(name, options), 'asked for by name');
  try {
    return withReason(await create('tfjs', options), 'tfjs-node loads');
  } catch (error) {
    if (!(error instanceof RxnasError) || error.exitCode !== exitCode.failure) throw error;
    return withReason(await create('simd', options), error.message);
  }
}

async function create(name: EngineName, options: EngineOptions): Promise<Engine> {
  switch (name) {
    case 'tfjs':
      return (await import('./tfjs/index.js')).createTfjsEngine(options);
    case 'simd':
      return (await import('./simd/index.js')).createSimdEngine(options);
    case 'simd-relaxed':
      return (await import('./simd/index.js')).createRelaxedSimdEngine(options);
    default:
      throw unknownName('engine', name, ['auto', ...engineNames]);
  }
}

function withReason(engine: Engine, reason: string): OpenedEngine {
  const release = kernels().crew.share(engine.threads);
  const dispose = engine.dispose.bind(engine);
  return Object.assign(engine, {
    reason,
    dispose: async () => {
      await release();
      await dispose();
    },
  });
}

const engineParams = z.strictObject({
  threads: z
    .int()
    .min(1)
    .max(16)
    .optional()
    .describe('threads of one training step; default: the engine’s own choice for the machine')
    .meta({ unit: 'threads' }),
});

/** An engine as registries, lint and docs know it. */
export interface EngineSpec extends Component<typeof engineParams> {
  readonly kind: 'engine';
  create(params: output<typeof engineParams>): Promise<OpenedEngine>;
}

const engineSpec = (name: 'auto' | EngineName, summary: string, source: string): EngineSpec => ({
  kind: 'engine',
  name,
  summary,
  source,
  params: engineParams,
  create: ({ threads }) => openEngine(name, threads === undefined ? {} : { threads }),
});

/** All engines, by name. */
export const engines: readonly EngineSpec[] = [
  engineSpec('auto', 'tfjs where tfjs-node loads, else simd', '`rxnas doctor` says which it is, and why'),
  engineSpec('tfjs', 'TensorFlow, through tfjs-node', 'tfjs-node 4.22'),
  engineSpec(
    'simd',
    'WebAssembly SIMD: nothing to install, the same bits on every machine',
    'src/core/engine/simd',
  ),
];
