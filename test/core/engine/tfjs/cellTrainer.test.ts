import type { Tensor } from '@tensorflow/tfjs-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkPlan, parameterCount } from '../../../../src/core/benchmark/live/network.js';
import { type CellOps, cellOps } from '../../../../src/core/engine/tfjs/cellOps.js';
import {
  CellTrainer,
  type ImageSplits,
  type LabelledImages,
} from '../../../../src/core/engine/tfjs/cellTrainer.js';
import { loadTfjs, type Tfjs } from '../../../../src/core/engine/tfjs/load.js';
import { stream } from '../../../../src/core/random/random.js';
import { cellOf } from '../../../../src/core/space/nasbench101.js';

const shape = { imageChannels: 1, channels: 4, stacks: 3, cellsAStack: 1, classes: 3 };
const settings = { epochs: 4, batch: 10, learningRate: 0.02 };
/** A sum, a truncation, a concatenation and every op: input → 1, 3, output; 1 → 2, 3; 2 → output; 3 → output. */
const cell = cellOf(5, 0b1101_011_10_1, '201');

let tf: Tfjs;
let ops: CellOps;
let startTensors: number;

beforeAll(async () => {
  tf = await loadTfjs({ intraOpThreads: 1 });
  startTensors = tf.memory().numTensors;
  ops = cellOps(tf);
});

afterAll(() => {
  ops.dispose();
  expect(tf.memory().numTensors).toBe(startTensors);
});

/** Bars in one of three places, with noise: easy, but not learnt before training. */
function bars(count: number, name: string) {
  const random = stream(7, name);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const images = new Float32Array(count * 64);
  labels.forEach((label, i) => {
    for (let pixel = 0; pixel < 64; pixel++)
      images[i * 64 + pixel] = random.float() + ((pixel >> 3) % 3 === label ? 0.25 : 0);
  });
  return { count, side: 8, channels: 1, images, labels };
}

const data: ImageSplits = { training: bars(60, 'a'), validation: bars(45, 'b'), test: bars(150, 'c') };

/** d(Σ w·f(x))/dx by central differences. */
function differences(x: Tensor, weights: Tensor, f: (x: Tensor) => Tensor, step: number): number[] {
  const values = x.dataSync();
  const at = (i: number, by: number) => {
    const moved = Float32Array.from(values);
    moved[i]! += by;
    return tf.tidy(
      () =>
        ops
          .multiply(f(tf.tensor(moved, x.shape)), weights)
          .sum()
          .dataSync()[0]!,
    );
  };
  return Array.from(values, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}

const close = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  const worst = Math.max(...Array.from(expected, (value, i) => Math.abs(value - found[i]!)));
  expect(worst).toBeLessThan(tolerance * Math.max(...Array.from(expected, Math.abs)));
};

describe('operations', () => {
  it('differentiate the batch normalisation over its batch statistics, as finite differences do', () => {
    tf.tidy(() => {
      const x = tf.randomNormal([3, 2, 2, 2], 1, 2, 'float32', 1) as Tensor;
      const weights = tf.randomNormal([3, 2, 2, 2], 0, 1, 'float32', 2) as Tensor;
      const scale = tf.tensor1d([0.7, -1.3]) as Tensor;
      const offset = tf.tensor1d([0.2, 0.5]) as Tensor;
      const [dx, dScale, dOffset] = ops.batchNormGradient(
        weights,
        x,
        scale,
        ops.batchNorm(x, scale, offset).saved,
      );
      close(
        dx.dataSync(),
        differences(x, weights, (x) => ops.batchNorm(x, scale, offset).output, 0.02),
        5e-3,
      );
      close(
        dScale.dataSync(),
        differences(scale, weights, (s) => ops.batchNorm(x, s, offset).output, 0.02),
        5e-3,
      );
      close(
        dOffset.dataSync(),
        differences(offset, weights, (o) => ops.batchNorm(x, scale, o).output, 0.02),
        5e-3,
      );
    });
  });

  it('give the gradient of a max-pool to the first maximum, as tfjs does, also where values tie', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([2, 8, 8, 3], 0, 5, 'int32', 1).toFloat() as Tensor;
      for (const [size, stride, pad, ours] of [
        [3, 1, 'same', ops.maxPool3Gradient],
        [2, 2, 'valid', ops.maxPool2Gradient],
      ] as const) {
        const pool = (x: Tensor) => tf.maxPool(x as never, size, stride, pad) as Tensor;
        const dy = tf.randomNormal(pool(x).shape, 0, 1, 'float32', 2) as Tensor;
        const [expected] = tf.grads((x: Tensor) => pool(x))([x], dy);
        close(ours(dy, x).dataSync(), expected!.dataSync(), 1e-6);
      }
    });
  });
});

describe('the trainer', () => {
  it('has the gradient of its loss, as finite differences do', () => {
    const trainer = new CellTrainer(tf, data);
    const plan = networkPlan(cell, shape);
    const random = stream(1, 'parameters');
    // Offsets of the normalisations (random here) keep most of the ReLUs away from their corner.
    const parameters = Float32Array.from({ length: parameterCount(plan) }, () => random.normal() / 2);
    const at = (move: (i: number) => number) =>
      trainer.lossAndGradient(
        plan,
        parameters.map((value, i) => value + move(i)),
        data.validation,
      );
    const { gradient } = at(() => 0);
    const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
    for (let trial = 0; trial < 4; trial++) {
      const direction = Array.from(gradient, (value) => value / norm + (trial && random.normal() / 30));
      const expected = direction.reduce((sum, value, i) => sum + value * gradient[i]!, 0);
      const step = 1e-3;
      const slope =
        (at((i) => step * direction[i]!).loss - at((i) => -step * direction[i]!).loss) / (2 * step);
      expect(Math.abs(slope / expected - 1)).toBeLessThan(0.03);
    }
    trainer.dispose();
  });

  it('learns, to the same bits for the same stream, and keeps no tensor', async () => {
    const before = tf.memory().numTensors;
    const trainer = new CellTrainer(tf, data);
    const plan = networkPlan(cell, shape);
    const train = async (name: string) => {
      const { seconds, ...accuracies } = await trainer.train(plan, settings, stream(3, name));
      expect(seconds).toBeGreaterThan(0);
      return accuracies;
    };
    const first = await train('x');
    const held = tf.memory().numTensors;
    expect(first.test).toBeGreaterThan(0.5);
    expect(await train('x')).toEqual(first);
    expect(await train('y')).not.toEqual(first);
    expect(tf.memory().numTensors).toBe(held);
    trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('learns from images of three colours', async () => {
    const coloured = (grey: LabelledImages): LabelledImages => ({
      ...grey,
      channels: 3,
      images: Float32Array.from({ length: 3 * grey.images.length }, (_, i) =>
        i % 3 === 1 ? grey.images[Math.floor(i / 3)]! : 0.5,
      ),
    });
    const { training, validation, test } = data;
    const trainer = new CellTrainer(tf, {
      training: coloured(training),
      validation: coloured(validation),
      test: coloured(test),
    });
    const plan = networkPlan(cell, { ...shape, imageChannels: 3 });
    expect((await trainer.train(plan, settings, stream(3, 'x'))).test).toBeGreaterThan(0.5);
    trainer.dispose();
  });

  it('ends a training that has diverged, with NaN, and long before its last step', async () => {
    const trainer = new CellTrainer(tf, data);
    const plan = networkPlan(cell, shape);
    const random = () => stream(3, 'x');
    const result = await trainer.train(
      plan,
      { ...settings, epochs: 1000, learningRate: Number.NaN },
      random(),
    );
    expect(result).toMatchObject({ validation: Number.NaN, test: Number.NaN, stopped: 'diverged' });
    const whole = await trainer.train(plan, { ...settings, epochs: 10 }, random());
    expect(result.seconds).toBeLessThan(whole.seconds);
    expect(whole).not.toHaveProperty('stopped');
    trainer.dispose();
  });

  it('ends a training whose time is up, with the accuracies it has then', async () => {
    const trainer = new CellTrainer(tf, data);
    const plan = networkPlan(cell, shape);
    const result = await trainer.train(
      plan,
      { ...settings, epochs: 1_000_000, seconds: 0.2 },
      stream(3, 'x'),
    );
    expect(result.stopped).toBe('time');
    expect(result.seconds).toBeGreaterThan(0.2);
    expect(result.seconds).toBeLessThan(5);
    expect(result.test).toBeGreaterThan(0);
    trainer.dispose();
  });
});
