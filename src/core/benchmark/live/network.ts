import type { CellPlan, ConvUnit, NetworkPlan, VertexPlan } from '../../engine/tfjs/cellNetwork.js';
import { columnShift, verticesOf } from '../../space/nasbench101/cell.js';
import { interiorOps } from '../../space/nasbench101/text.js';
import type { CellCode } from '../../space/space.js';

/** Sizes of the network around the cell. */
export interface NetworkShape {
  /** Channels of an image. */
  imageChannels: number;
  /** Channels of the stem and of the first stack; each further stack doubles them. */
  channels: number;
  /** Number of stacks of cells, with a 2×2 max-pool between two. */
  stacks: number;
  cellsAStack: number;
  classes: number;
}

export const hasEdge = (cell: CellCode, from: number, to: number) =>
  ((cell >>> (columnShift(to) + from)) & 1) === 1;

/**
 * Channels of each vertex: the output's are split over what is concatenated there (the first ones take the remainder),
 * other interior vertices are as wide as the widest interior vertex they feed. NASBench-101's `compute_vertex_channels`.
 */
export function vertexChannels(cell: CellCode, inputs: number, outputs: number): number[] {
  const vertices = verticesOf(cell);
  const last = vertices - 1;
  const channels = new Array<number>(vertices).fill(0);
  channels[0] = inputs;
  channels[last] = outputs;
  const concatenated: number[] = [];
  for (let v = 1; v < last; v++) if (hasEdge(cell, v, last)) concatenated.push(v);
  concatenated.forEach((v, i) => {
    channels[v] = Math.floor(outputs / concatenated.length) + (i < outputs % concatenated.length ? 1 : 0);
  });
  for (let v = last - 2; v > 0; v--) {
    if (hasEdge(cell, v, last)) continue;
    for (let to = v + 1; to < last; to++)
      if (hasEdge(cell, v, to)) channels[v] = Math.max(channels[v]!, channels[to]!);
  }
  return channels;
}

/** The network of a cell. */
export function networkPlan(cell: CellCode, shape: NetworkShape): NetworkPlan {
  const { imageChannels, channels, stacks, cellsAStack, classes } = shape;
  const units: ConvUnit[] = [{ kernel: 3, inputs: imageChannels, outputs: channels }];
  const cells: CellPlan[] = [];
  let inputs = channels;
  for (let stack = 0; stack < stacks; stack++) {
    const outputs = channels << stack;
    for (let i = 0; i < cellsAStack; i++) {
      cells.push({ ...cellPlan(cell, inputs, outputs, units), pooled: stack > 0 && i === 0 });
      inputs = outputs;
    }
  }
  return { units, cells, features: inputs, classes };
}

function cellPlan(
  cell: CellCode,
  inputs: number,
  outputs: number,
  units: ConvUnit[],
): Omit<CellPlan, 'pooled'> {
  const last = verticesOf(cell) - 1;
  const ops = interiorOps(cell);
  const channels = vertexChannels(cell, inputs, outputs);
  const pieces: number[] = [];
  const project = (vertex: number) => (hasEdge(cell, 0, vertex) ? pieces.push(channels[vertex]!) - 1 : -1);

  const plans: VertexPlan[] = [];
  for (let v = 1; v < last; v++) {
    const from: number[] = [];
    for (let source = 1; source < v; source++) if (hasEdge(cell, source, v)) from.push(source - 1);
    const width = channels[v]!;
    const digit = ops[v - 1];
    const op = digit === '2' ? 'max' : units.length;
    if (op !== 'max') units.push({ kernel: digit === '0' ? 3 : 1, inputs: width, outputs: width });
    plans.push({ op, channels: width, from, projection: project(v) });
  }
  const projection = project(last);
  const concatenated: number[] = [];
  for (let v = 1; v < last; v++) if (hasEdge(cell, v, last)) concatenated.push(v - 1);

  let projector = -1;
  if (pieces.length > 0) {
    projector = units.length;
    units.push({ kernel: 1, inputs, outputs: pieces.reduce((a, b) => a + b) });
  }
  return { channels: outputs, projector, pieces, vertices: plans, concatenated, projection };
}

/** Trainable parameters: filters, scales and offsets of the normalisations, weights and biases of the classifier. */
export function parameterCount({ units, features, classes }: NetworkPlan): number {
  return units.reduce(
    (sum, { kernel, inputs, outputs }) => sum + (kernel * kernel * inputs + 2) * outputs,
    (features + 1) * classes,
  );
}
