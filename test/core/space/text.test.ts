import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellFromMatrix,
  cellOf,
  edgeBitsOf,
  interiorOps,
  nasbench101,
  verticesOf,
} from '../../../src/core/space/nasbench101.js';
import { NO_CELL } from '../../../src/core/space/space.js';

const anyCell = fc.nat(nasbench101.size - 1).map((id) => nasbench101.cells()[id]!);

describe('texts of nasbench101', () => {
  it('read back, as JSON, as short text and as table columns', () => {
    fc.assert(
      fc.property(anyCell, (cell) => {
        const described = nasbench101.describe(cell);
        expect(nasbench101.parse(JSON.stringify(described))).toBe(cell);
        expect(nasbench101.parse(described.text)).toBe(cell);
        expect(cellOf(verticesOf(cell), edgeBitsOf(cell), interiorOps(cell))).toBe(cell);
      }),
    );
  });

  it('are pruned', () => {
    expect(nasbench101.describe(nasbench101.parse('conv3x3 conv1x1 | 01 13 02')).text).toBe(
      'conv3x3 | 01 12',
    );
  });

  it.each([
    ['conv5x5 | 01 12', /unknown operation 'conv5x5'/],
    ['conv3x3 | 01 17', /edge 17 of a cell of 3 vertices/],
    ['conv3x3 | 01 21', /\[2\]\[1\] is not above the diagonal/],
    ['conv3x3 | 01', /without a path/],
    ['conv3x3 conv3x3 conv3x3 conv3x3 conv3x3 conv3x3 | 07', /8 vertices/],
    ['{"matrix": [[0, 1], [0, 0]]}', /not a NAS-Bench-101 cell/],
    ['null', /not a NAS-Bench-101 cell/],
    ['rubbish', /not a NAS-Bench-101 cell/],
    ['{"matrix": [[0, 2], [0, 0]], "ops": ["input", "output"]}', /\[0\]\[1\] is 2/],
    ['{"matrix": [[0], [0, 0]], "ops": ["input", "output"]}', /row 0 of the matrix has 1 entries/],
    ['{"matrix": [[0, 1], [0, 0]], "ops": ["output", "input"]}', /from 'output' to 'input'/],
    ['{"matrix": [[0, 1], [0, 0]], "ops": ["input"]}', /1 operations for 2 vertices/],
  ])('refuse %s', (text, message) => {
    expect(() => nasbench101.parse(text)).toThrow(message);
  });

  it('refuse more than nine edges', () => {
    const full = Array.from({ length: 5 }, (_, x) => Array.from({ length: 5 }, (_, y) => (x < y ? 1 : 0)));
    expect(() => cellFromMatrix(full, ['input', 'conv3x3', 'conv3x3', 'conv3x3', 'output'])).toThrow(
      /more than 9 edges/,
    );
  });

  it.each([
    [3, 1, '0'],
    [3, 0b111, '3'],
    [3, 0b111, ''],
    [4, 0b111, '00'],
    [7, 2 ** 21 + 5, '00000'],
    [3, 5.5, '0'],
    [3, -1, '0'],
  ])('find no cell in the row %i, %f, %s', (vertices, edgeBits, ops) => {
    expect(cellOf(vertices, edgeBits, ops)).toBe(NO_CELL);
  });
});
