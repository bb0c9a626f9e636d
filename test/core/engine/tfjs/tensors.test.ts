import { expect, test } from 'vitest';
import type { ControllerConfig } from '../../../../src/core/controller/config.js';
import { initialWeights } from '../../../../src/core/controller/weights.js';
import { bindingOf } from '../../../../src/core/engine/tfjs/binding.js';
import { createTfjsEngine } from '../../../../src/core/engine/tfjs/index.js';
import { loadTfjs } from '../../../../src/core/engine/tfjs/load.js';

const tfjs = await loadTfjs({ intraOpThreads: 1 }).catch(() => undefined);

test.skipIf(!tfjs)('resources() is what TensorFlow itself counts, and all of it goes', async () => {
  const config: ControllerConfig = { vocabulary: 7, length: 9, dim: 16, predictor: 32 };
  const tokens = new Int32Array(4 * config.length).fill(2);
  const native = bindingOf(tfjs!) as unknown as { getNumOfTensors(): number };
  const before = native.getNumOfTensors();
  const numTensors = tfjs!.memory().numTensors;

  const engine = await createTfjsEngine({ threads: 1 });
  const controller = await engine.controller(config, initialWeights(config, 1));
  const open = await controller.encode(tokens);
  const used = await controller.encode(tokens);
  await controller.pretrainStep(used, { learningRate: 0.1 });
  await controller.searchStep(tokens, { targets: new Float32Array(4), tradeoff: 0.5, learningRate: 0.1 });
  await controller.propose(tokens, 1);
  expect(engine.resources()).toBeGreaterThan(0);
  expect(native.getNumOfTensors() - before).toBe(engine.resources());

  await engine.dispose();
  expect(native.getNumOfTensors()).toBe(before);
  expect(tfjs!.memory().numTensors).toBe(numTensors);
  open.dispose();
});
