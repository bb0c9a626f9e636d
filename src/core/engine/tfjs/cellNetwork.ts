import type { Tensor } from '@tensorflow/tfjs-node';
import type { CellOps, Normalised } from './cellOps.js';

/** One convolution (SAME, stride 1, no bias) – batch normalisation – ReLU. */
export interface ConvUnit {
  /** Side of the filter. */
  kernel: 1 | 3;
  inputs: number;
  outputs: number;
}

/** One interior vertex of a cell; what comes in is summed. */
export interface VertexPlan {
  /** Index of the conv unit that the vertex applies, or `max` for a 3×3 max-pool. */
  op: number | 'max';
  channels: number;
  /** Interior vertices (0 = the first one) that feed this one; each is truncated to `channels`. */
  from: number[];
  /** Piece of the projected input that is added, or -1. */
  projection: number;
}

/** One cell at its width. */
export interface CellPlan {
  channels: number;
  /** Whether a 2×2 max-pool comes before it. */
  pooled: boolean;
  /**
   * The conv unit that projects the cell's input, or -1. All of a cell's 1×1 projections are one unit, whose output is cut
   * into pieces: each channel is normalised by itself, so that this is the same arithmetic in a third of the calls.
   */
  projector: number;
  /** Channels of each piece of the projected input. */
  pieces: number[];
  vertices: VertexPlan[];
  /** Interior vertices whose outputs are concatenated to the cell's output. */
  concatenated: number[];
  /** Piece of the projected input that is added to the cell's output (or is it, when nothing is concatenated), or -1. */
  projection: number;
}

/** stem (unit 0) → cells, max-pools between their stacks → global average pool → dense. */
export interface NetworkPlan {
  units: ConvUnit[];
  cells: CellPlan[];
  /** Channels of the last cell. */
  features: number;
  classes: number;
}

/** What a conv unit does differs between training, calibration and inference; the wiring of the network does not. */
export interface Layers {
  unit(x: Tensor, unit: number): Tensor;
  maxPool3(x: Tensor): Tensor;
  maxPool2(x: Tensor): Tensor;
  sum(xs: Tensor[]): Tensor;
  concat(xs: Tensor[]): Tensor;
  split(x: Tensor, sizes: number[]): Tensor[];
  /** The first `channels` channels. */
  truncate(x: Tensor, channels: number): Tensor;
}

/** The feature maps [rows, height, width, features] before the global average pool, of a batch of images. */
export function featureMaps(plan: NetworkPlan, layers: Layers, images: Tensor): Tensor {
  let x = layers.unit(images, 0);
  for (const cell of plan.cells) x = cellOutput(cell, layers, cell.pooled ? layers.maxPool2(x) : x);
  return x;
}

/** NASBench-101's `build_module`. */
function cellOutput(cell: CellPlan, layers: Layers, input: Tensor): Tensor {
  const projected = cell.projector < 0 ? [] : layers.split(layers.unit(input, cell.projector), cell.pieces);
  const outputs: Tensor[] = [];
  for (const vertex of cell.vertices) {
    const incoming = vertex.from.map((source) => layers.truncate(outputs[source]!, vertex.channels));
    if (vertex.projection >= 0) incoming.push(projected[vertex.projection]!);
    const x = layers.sum(incoming);
    outputs.push(vertex.op === 'max' ? layers.maxPool3(x) : layers.unit(x, vertex.op));
  }
  if (cell.concatenated.length === 0) return projected[cell.projection]!;
  const concatenated = layers.concat(cell.concatenated.map((vertex) => outputs[vertex]!));
  return cell.projection < 0 ? concatenated : layers.sum([concatenated, projected[cell.projection]!]);
}

/** Parameters or gradients of one conv unit. */
export interface UnitTensors {
  /** [kernel, kernel, inputs, outputs] */
  filter: Tensor;
  /** [outputs] */
  scale: Tensor;
  /** [outputs] */
  offset: Tensor;
}

/**
 * Layers over batch statistics that note each step, so that {@link TrainingLayers.backward} can go through them in
 * reverse: one small tape, of the seven kinds of step that these networks have.
 */
export class TrainingLayers implements Layers {
  readonly gradients: UnitTensors[] = [];
  readonly #steps: (() => void)[] = [];
  readonly #incoming = new Map<Tensor, Tensor[]>();

  constructor(
    readonly ops: CellOps,
    readonly parameters: readonly UnitTensors[],
  ) {}

  unit(x: Tensor, unit: number): Tensor {
    const { ops } = this;
    const { filter, scale, offset } = this.parameters[unit]!;
    const convolved = ops.convolve(x, filter);
    const { output, saved } = ops.batchNorm(convolved, scale, offset);
    const y = ops.relu(output);
    this.#steps.push(() => {
      const dOutput = ops.reluGradient(this.#gradient(y), y);
      const [dConvolved, dScale, dOffset] = ops.batchNormGradient(dOutput, convolved, scale, saved);
      this.gradients[unit] = {
        filter: ops.convolveFilterGradient(x, filter, dConvolved),
        scale: dScale,
        offset: dOffset,
      };
      if (unit > 0) this.#give(x, ops.convolveInputGradient(x, filter, dConvolved));
    });
    return y;
  }

  maxPool3(x: Tensor): Tensor {
    const y = this.ops.maxPool3(x);
    this.#steps.push(() => this.#give(x, this.ops.maxPool3Gradient(this.#gradient(y), x)));
    return y;
  }

  maxPool2(x: Tensor): Tensor {
    const y = this.ops.maxPool2(x);
    this.#steps.push(() => this.#give(x, this.ops.maxPool2Gradient(this.#gradient(y), x)));
    return y;
  }

  sum(xs: Tensor[]): Tensor {
    if (xs.length === 1) return xs[0]!;
    const y = this.ops.sum(xs);
    this.#steps.push(() => {
      const dy = this.#gradient(y);
      for (const x of xs) this.#give(x, dy);
    });
    return y;
  }

  concat(xs: Tensor[]): Tensor {
    if (xs.length === 1) return xs[0]!;
    const y = this.ops.concat(xs, 3);
    const sizes = xs.map((x) => x.shape[3]!);
    this.#steps.push(() => {
      this.ops.split(this.#gradient(y), sizes, 3).forEach((dx, i) => {
        this.#give(xs[i]!, dx);
      });
    });
    return y;
  }

  split(x: Tensor, sizes: number[]): Tensor[] {
    if (sizes.length === 1) return [x];
    const ys = this.ops.split(x, sizes, 3);
    this.#steps.push(() => {
      this.#give(
        x,
        this.ops.concat(
          ys.map((y) => this.#gradient(y)),
          3,
        ),
      );
    });
    return ys;
  }

  truncate(x: Tensor, channels: number): Tensor {
    const cut = x.shape[3]! - channels;
    if (cut === 0) return x;
    const [y, rest] = this.ops.split(x, [channels, cut], 3) as [Tensor, Tensor];
    this.#steps.push(() => {
      const none = this.ops.subtract(rest, rest);
      this.#give(x, this.ops.concat([this.#gradient(y), none], 3));
    });
    return y;
  }

  /** Go back from the gradient of a loss by `output`; {@link gradients} are full afterwards. */
  backward(output: Tensor, gradient: Tensor): void {
    this.#give(output, gradient);
    for (let step = this.#steps.length - 1; step >= 0; step--) this.#steps[step]!();
  }

  #give(x: Tensor, gradient: Tensor): void {
    const held = this.#incoming.get(x);
    if (held) held.push(gradient);
    else this.#incoming.set(x, [gradient]);
  }

  #gradient(y: Tensor): Tensor {
    return this.ops.sum(this.#incoming.get(y)!);
  }
}

/** Layers without a tape; what a conv unit does is handed in. */
export class PlainLayers implements Layers {
  constructor(
    readonly ops: CellOps,
    readonly unit: (x: Tensor, unit: number) => Tensor,
  ) {}

  maxPool3 = (x: Tensor) => this.ops.maxPool3(x);
  maxPool2 = (x: Tensor) => this.ops.maxPool2(x);
  sum = (xs: Tensor[]) => this.ops.sum(xs);
  concat = (xs: Tensor[]) => this.ops.concat(xs, 3);
  split = (x: Tensor, sizes: number[]) => this.ops.split(x, sizes, 3);
  truncate = (x: Tensor, channels: number) => {
    const cut = x.shape[3]! - channels;
    return cut === 0 ? x : this.ops.split(x, [channels, cut], 3)[0]!;
  };
}

/** A conv unit over batch statistics, which are handed to `seen`. */
export const calibratingUnit =
  (ops: CellOps, parameters: readonly UnitTensors[], seen: (unit: number, statistics: Normalised) => void) =>
  (x: Tensor, unit: number) => {
    const { filter, scale, offset } = parameters[unit]!;
    const normalised = ops.batchNorm(ops.convolve(x, filter), scale, offset);
    seen(unit, normalised);
    return ops.relu(normalised.output);
  };

/** A conv unit with its normalisation folded into filter and bias. */
export interface FoldedUnit {
  filter: Tensor;
  bias: Tensor;
}

export const inferringUnit = (ops: CellOps, folded: readonly FoldedUnit[]) => (x: Tensor, unit: number) => {
  const { filter, bias } = folded[unit]!;
  return ops.relu(ops.biasAdd(ops.convolve(x, filter), bias));
};
