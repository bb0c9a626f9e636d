import type { Tensor } from '@tensorflow/tfjs-node';
import { breathe } from '../../breathe.js';
import type { Random } from '../../random/random.js';
import {
  type ConvUnit,
  calibratingUnit,
  type FoldedUnit,
  featureMaps,
  inferringUnit,
  type NetworkPlan,
  PlainLayers,
  TrainingLayers,
  type UnitTensors,
} from './cellNetwork.js';
import { batchNormEpsilon, type CellOps, cellOps } from './cellOps.js';
import type { Tfjs } from './load.js';

/** Images in [0, 1], row-major [count, side, side, channels], and their classes. */
export interface LabelledImages {
  count: number;
  side: number;
  channels: number;
  images: Float32Array;
  labels: Uint8Array;
}

export interface ImageSplits {
  training: LabelledImages;
  validation: LabelledImages;
  test: LabelledImages;
}

export interface TrainingSettings {
  epochs: number;
  /** Images a step; the training images are a multiple of it. */
  batch: number;
  /** Learning rate of the first step; it falls to 0 along half a cosine. */
  learningRate: number;
  /** CPU seconds after which a training stops where it is; absent: none. */
  seconds?: number;
}

export interface TrainingResult {
  /** Accuracies in [0, 1]; NaN where training diverged. */
  validation: number;
  test: number;
  /** Why training was stopped before its last step: parameters were NaN or infinite, or its time was up. */
  stopped?: 'diverged' | 'time';
  /** CPU seconds of this process from initialisation to the last step and calibration; no evaluation in it. */
  seconds: number;
}

/** Images an evaluation step: the widest activations of a step fit into a core's L2 cache. */
const evaluationBatch = 250;

/** Steps between two looks at whether the parameters are finite. */
const stepsALook = 10;

/** Most values of the widest activation (64 MB) when statistics are taken over the training images at once. */
const calibrationValues = 1 << 24;

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Trains networks of cells from scratch on one set of images, one after the other. */
export class CellTrainer {
  readonly #ops: CellOps;
  readonly #batches = new Map<LabelledImages, Tensor[]>();

  constructor(
    readonly tf: Tfjs,
    readonly data: ImageSplits,
  ) {
    this.#ops = cellOps(tf);
  }

  /**
   * Train a network; equal plans and random streams give equal results, to the bit, on one machine. Lets the event loop run between steps,
   * so that a process can hear that it is to end.
   */
  async train(plan: NetworkPlan, settings: TrainingSettings, random: Random): Promise<TrainingResult> {
    const { tf } = this;
    const secondsSpent = stopwatch();
    const layout = parameterLayout(plan);
    let parameters = tf.tensor1d(initialParameters(layout, random));
    let trained: Trained | undefined;
    try {
      const optimised = await this.#optimise(layout, parameters, settings, random, secondsSpent);
      parameters.dispose();
      parameters = optimised.parameters as typeof parameters;
      const { stopped } = optimised;
      if (stopped !== 'diverged') trained = this.#calibrate(layout, parameters);
      const seconds = secondsSpent();
      if (!trained) return { validation: Number.NaN, test: Number.NaN, seconds, stopped: 'diverged' };
      return {
        validation: await this.#accuracy(plan, trained, this.data.validation),
        test: await this.#accuracy(plan, trained, this.data.test),
        seconds,
        ...(stopped && { stopped }),
      };
    } finally {
      parameters.dispose();
      for (const tensor of trained?.tensors ?? []) tensor.dispose();
    }
  }

  /** Adam over one flat vector of parameters: a dozen operations a step instead of a dozen a parameter. */
  async #optimise(
    layout: Layout,
    initial: Tensor,
    settings: TrainingSettings,
    random: Random,
    secondsSpent: () => number,
  ) {
    const { tf } = this;
    const ops = this.#ops;
    const { training } = this.data;
    const { epochs, batch, learningRate, seconds = Number.POSITIVE_INFINITY } = settings;
    const order = Uint32Array.from({ length: training.count }, (_, i) => i);
    const stepsAnEpoch = Math.floor(training.count / batch);
    const steps = epochs * stepsAnEpoch;

    let state = [initial.clone(), tf.zeros([layout.size]), tf.zeros([layout.size])] as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const constants = [1 - adam.beta1, 1 - adam.beta2, adam.epsilon].map((value) => tf.scalar(value));
    const [rate1, rate2, epsilon] = constants as [Tensor, Tensor, Tensor];
    let stopped: TrainingResult['stopped'];
    for (let step = 0; step < steps && !stopped; step++) {
      await breathe();
      const place = step % stepsAnEpoch;
      if (place === 0) random.shuffle(order);
      const { images, labels } = gather(training, order.subarray(place * batch, (place + 1) * batch));
      // Adam's bias corrections of both moments, taken into the learning rate.
      const rate =
        ((learningRate * (1 + Math.cos((Math.PI * step) / steps))) / 2) *
        (Math.sqrt(1 - adam.beta2 ** (step + 1)) / (1 - adam.beta1 ** (step + 1)));
      const next = tf.tidy(() => {
        const [parameters, first, second] = state;
        const gradient = this.#gradient(layout, parameters, images, labels);
        const m = ops.add(first, ops.multiply(ops.subtract(gradient, first), rate1));
        const v = ops.add(second, ops.multiply(ops.subtract(ops.square(gradient), second), rate2));
        const move = ops.divide(ops.multiply(m, tf.scalar(rate)), ops.add(ops.sqrt(v), epsilon));
        return [ops.subtract(parameters, move), m, v] as [Tensor, Tensor, Tensor];
      });
      for (const tensor of state) tensor.dispose();
      state = next;
      const last = step === steps - 1;
      if (last || step % stepsALook === stepsALook - 1) {
        const mean = tf.tidy(() => ops.mean(state[0], [0]).dataSync()[0]);
        if (!Number.isFinite(mean)) stopped = 'diverged';
      }
      if (!stopped && !last && secondsSpent() > seconds) stopped = 'time';
    }
    const [parameters, first, second] = state;
    for (const tensor of [first, second, ...constants]) tensor.dispose();
    return { parameters, stopped };
  }

  /** Gradient of the mean cross-entropy of a batch by the flat parameters; call it inside `tf.tidy`. */
  #gradient(layout: Layout, parameters: Tensor, images: Float32Array, labels: Uint8Array): Tensor {
    const { tf } = this;
    const ops = this.#ops;
    const { units, weights, biases } = unpack(ops, layout, parameters);
    const layers = new TrainingLayers(ops, units);
    const rows = labels.length;
    const { side, channels: colours } = this.data.training;
    const maps = featureMaps(layout.plan, layers, tf.tensor4d(images, [rows, side, side, colours]));
    const features = ops.mean(maps, [1, 2]);
    const logits = ops.biasAdd(ops.matMul(features, weights), biases);

    const { classes } = layout.plan;
    const expected = new Float32Array(rows * classes);
    for (let row = 0; row < rows; row++) expected[row * classes + labels[row]!] = 1;
    const dLogits = ops.multiply(
      ops.subtract(ops.softmax(logits), tf.tensor2d(expected, [rows, classes])),
      tf.scalar(1 / rows),
    );
    const [, height, width, channels] = maps.shape as [number, number, number, number];
    const dFeatures = ops.reshape(ops.matMul(dLogits, weights, 'nt'), [rows, 1, 1, channels]);
    layers.backward(maps, ops.multiply(dFeatures, tf.fill([1, height, width, 1], 1 / (height * width))));

    const pieces = layers.gradients.flatMap(({ filter, scale, offset }) => [
      ops.reshape(filter, [-1]),
      scale,
      offset,
    ]);
    pieces.push(ops.reshape(ops.matMul(features, dLogits, 'tn'), [-1]), ops.biasAddGradient(dLogits));
    return ops.concat(pieces, 0);
  }

  /** Loss and gradient of one batch, for tests. */
  lossAndGradient(plan: NetworkPlan, parameters: Float32Array, batch: LabelledImages) {
    const { tf } = this;
    const ops = this.#ops;
    return tf.tidy(() => {
      const layout = parameterLayout(plan);
      const flat = tf.tensor1d(parameters);
      const { units, weights, biases } = unpack(ops, layout, flat);
      const layers = new PlainLayers(
        ops,
        calibratingUnit(ops, units, () => {}),
      );
      const { count, side, channels } = batch;
      const maps = featureMaps(plan, layers, tf.tensor4d(batch.images, [count, side, side, channels]));
      const logits = ops.biasAdd(ops.matMul(ops.mean(maps, [1, 2]), weights), biases);
      const chances = ops.softmax(logits).dataSync();
      let loss = 0;
      batch.labels.forEach((label, row) => {
        loss -= Math.log(chances[row * plan.classes + label]!) / count;
      });
      const gradient = this.#gradient(layout, flat, batch.images, batch.labels).dataSync() as Float32Array;
      return { loss, gradient: gradient.slice() };
    });
  }

  /**
   * Statistics of every normalisation over all training images at once (or, of many or large ones, over as many as memory is
   * meant for): a moving average over a hundred steps would lag behind the weights.
   */
  #calibrate(layout: Layout, parameters: Tensor): Trained {
    const { tf, data } = this;
    const ops = this.#ops;
    const folded: FoldedUnit[] = [];
    const tensors: Tensor[] = [];
    const keep = <T extends Tensor>(tensor: T) => {
      tensors.push(tf.keep(tensor));
      return tensor;
    };
    let held!: Trained;
    tf.tidy(() => {
      const { units, weights, biases } = unpack(ops, layout, parameters);
      const unit = calibratingUnit(ops, units, (index, { mean, variance }) => {
        const { filter, scale, offset } = units[index]!;
        const factor = ops.multiply(scale, ops.rsqrt(ops.add(variance, tf.scalar(batchNormEpsilon))));
        folded[index] = {
          filter: keep(ops.multiply(filter, factor)),
          bias: keep(ops.subtract(offset, ops.multiply(mean, factor))),
        };
      });
      const { side, channels } = data.training;
      const size = side * side;
      const widest = size * layout.plan.units[0]!.outputs;
      const count = Math.min(data.training.count, Math.max(1, Math.floor(calibrationValues / widest)));
      const images = data.training.images.subarray(0, count * size * channels);
      const input = tf.tensor4d(images, [count, side, side, channels]);
      featureMaps(layout.plan, new PlainLayers(ops, unit), input);
      held = { units: folded, weights: keep(weights), biases: keep(biases), tensors };
    });
    return held;
  }

  async #accuracy(plan: NetworkPlan, trained: Trained, split: LabelledImages): Promise<number> {
    const ops = this.#ops;
    const layers = new PlainLayers(ops, inferringUnit(ops, trained.units));
    let right = 0;
    let row = 0;
    for (const images of this.#evaluationBatches(split)) {
      await breathe();
      const classes = this.tf.tidy(() => {
        const features = ops.mean(featureMaps(plan, layers, images), [1, 2]);
        return ops.argMax(ops.biasAdd(ops.matMul(features, trained.weights), trained.biases)).dataSync();
      });
      for (const found of classes) if (found === split.labels[row++]) right++;
    }
    return right / split.count;
  }

  #evaluationBatches(split: LabelledImages): Tensor[] {
    let batches = this.#batches.get(split);
    if (!batches) {
      const { images, count, side, channels } = split;
      const size = side * side * channels;
      batches = [];
      for (let from = 0; from < count; from += evaluationBatch) {
        const to = Math.min(count, from + evaluationBatch);
        const pixels = images.slice(from * size, to * size);
        batches.push(this.tf.keep(this.tf.tensor4d(pixels, [to - from, side, side, channels])));
      }
      this.#batches.set(split, batches);
    }
    return batches;
  }

  dispose(): void {
    for (const tensor of [...this.#batches.values()].flat()) tensor.dispose();
    this.#batches.clear();
    this.#ops.dispose();
  }
}

/** CPU seconds of this process since it was made. */
function stopwatch(): () => number {
  const started = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
}

/** A trained network for inference. */
interface Trained {
  units: FoldedUnit[];
  weights: Tensor;
  biases: Tensor;
  /** All of them, to be disposed of. */
  tensors: Tensor[];
}

/** Where each parameter lies in the flat vector: filter, scale, offset of each unit in turn, then weights and biases. */
interface Layout {
  plan: NetworkPlan;
  sizes: number[];
  size: number;
}

const filterSize = ({ kernel, inputs, outputs }: ConvUnit) => kernel * kernel * inputs * outputs;

function parameterLayout(plan: NetworkPlan): Layout {
  const sizes = plan.units.flatMap((unit) => [filterSize(unit), unit.outputs, unit.outputs]);
  sizes.push(plan.features * plan.classes, plan.classes);
  return { plan, sizes, size: sizes.reduce((a, b) => a + b) };
}

/** Filters and weights N(0, 1/fan-in), scales 1, offsets and biases 0, as NASBench-101 has it. */
export function initialParameters(layout: Layout, random: Random): Float32Array {
  const values = new Float32Array(layout.size);
  let offset = 0;
  const normal = (count: number, fanIn: number) => {
    const deviation = Math.sqrt(1 / fanIn);
    for (let i = 0; i < count; i++) values[offset++] = deviation * random.normal();
  };
  for (const unit of layout.plan.units) {
    normal(filterSize(unit), unit.kernel * unit.kernel * unit.inputs);
    values.fill(1, offset, offset + unit.outputs);
    offset += 2 * unit.outputs;
  }
  normal(layout.plan.features * layout.plan.classes, layout.plan.features);
  return values;
}

function unpack(ops: CellOps, { plan, sizes }: Layout, parameters: Tensor) {
  const pieces = ops.split(parameters, sizes, 0);
  const units = plan.units.map(
    ({ kernel, inputs, outputs }, i): UnitTensors => ({
      filter: ops.reshape(pieces[3 * i]!, [kernel, kernel, inputs, outputs]),
      scale: pieces[3 * i + 1]!,
      offset: pieces[3 * i + 2]!,
    }),
  );
  const [weights, biases] = pieces.slice(-2) as [Tensor, Tensor];
  return { units, weights: ops.reshape(weights, [plan.features, plan.classes]), biases };
}

function gather({ images, labels, side, channels }: LabelledImages, rows: Uint32Array) {
  const size = side * side * channels;
  const batch = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    batch.set(images.subarray(row * size, (row + 1) * size), i * size);
  });
  return { images: batch, labels: Uint8Array.from(rows, (row) => labels[row]!) };
}
