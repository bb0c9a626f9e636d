import type { Engine, EngineName, EngineOptions } from '../../src/core/engine/engine.js';
import { createRelaxedSimdEngine, createSimdEngine } from '../../src/core/engine/simd/index.js';
import { createTfjsEngine } from '../../src/core/engine/tfjs/index.js';

const engines: Record<EngineName, ((options: EngineOptions) => Promise<Engine>) | undefined> = {
  tfjs: createTfjsEngine,
  simd: createSimdEngine,
  'simd-relaxed': createRelaxedSimdEngine,
};

/** Every engine that loads on this machine, by name. Tests that hold for any engine run once for each. */
export const loadableEngines: [EngineName, (options?: EngineOptions) => Promise<Engine>][] = [];
for (const [name, create] of Object.entries(engines)) {
  if (!create) continue;
  try {
    await (await create({ threads: 1 })).dispose();
    loadableEngines.push([name as EngineName, (options = {}) => create(options)]);
  } catch (error) {
    console.warn(`the ${name} engine is not tested: ${(error as Error).message}`);
  }
}
