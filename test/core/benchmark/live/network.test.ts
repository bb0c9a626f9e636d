import { describe, expect, it } from 'vitest';
import { networkPlan, parameterCount, vertexChannels } from '../../../../src/core/benchmark/live/network.js';
import { mnistProtocol } from '../../../../src/core/benchmark/live/protocol.js';
import { cellFromMatrix, cellOf, nasbench101, verticesOf } from '../../../../src/core/space/nasbench101.js';

/** NAS-Bench-101's own network: 3 stacks of 3 cells, 128 channels, CIFAR-10. */
const nasbench = { imageChannels: 3, channels: 128, stacks: 3, cellsAStack: 3, classes: 10 };

describe('the network of a cell', () => {
  it('splits the output channels over what is concatenated, the first ones taking the remainder', () => {
    // input → 1, 2, 3 → output
    const cell = cellOf(5, 0b1110_001_01_1, '000');
    expect(vertexChannels(cell, 16, 16)).toEqual([16, 6, 5, 5, 16]);
    expect(vertexChannels(cell, 16, 32)).toEqual([16, 11, 11, 10, 32]);
  });

  it('makes other vertices as wide as the widest one they feed', () => {
    // 1 feeds 2 and 3, which are concatenated; the input goes to the output too
    const cell = cellOf(5, 0b1101_010_10_1, '012');
    expect(vertexChannels(cell, 16, 17)).toEqual([16, 9, 9, 8, 17]);
  });

  it('has the trainable parameters of NAS-Bench-101', () => {
    const count = (cell: number) => parameterCount(networkPlan(cell, nasbench));
    // Two rows of the benchmark.
    expect(count(cellOf(7, 1205349, '02001'))).toBe(8_555_530);
    const [conv3, conv1, pool] = ['conv3x3-bn-relu', 'conv1x1-bn-relu', 'maxpool3x3'];
    // The cell of nasbench's README, 2,694,282 parameters.
    const example = cellFromMatrix(
      [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
      ],
      ['input', conv1!, conv3!, conv3!, conv3!, pool!, 'output'],
    );
    expect(count(example)).toBe(2_694_282);
  });

  it('is the same for isomorphic cells, up to the order of its vertices', () => {
    const count = (cell: number) => parameterCount(networkPlan(cell, mnistProtocol.network));
    // input → 1 → 3 → output and input → 2 → output, with 1 and 2 exchanged
    const cell = cellOf(5, 0b1100_010_01_1, '012');
    const relabelled = cellOf(5, 0b1010_100_01_1, '102');
    expect(nasbench101.canonical(relabelled)).toBe(nasbench101.canonical(cell));
    expect(count(relabelled)).toBe(count(cell));
  });

  it('has channels everywhere and narrows by truncation only, for all cells of at most 5 vertices', () => {
    const wrong = nasbench101.cells().filter((cell) => {
      if (verticesOf(cell) > 5) return false;
      const { units, cells } = networkPlan(cell, mnistProtocol.network);
      const sound = cells.every(({ channels, concatenated, vertices }) => {
        const sum = concatenated.reduce((total, v) => total + vertices[v]!.channels, 0);
        const wide = vertices.every((vertex) =>
          vertex.from.every((source) => vertices[source]!.channels >= vertex.channels),
        );
        return wide && (sum === channels || concatenated.length === 0);
      });
      return !sound || units.some(({ inputs, outputs }) => inputs < 1 || outputs < 1);
    });
    expect([...wrong]).toEqual([]);
  });
});
