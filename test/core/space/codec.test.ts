import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nasbench101 } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { NO_CELL, type Space } from '../../../src/core/space/space.js';

const encoded = (space: Space, cell: number): Int32Array => {
  const out = new Int32Array(space.sequenceLength);
  space.encode(cell, out, 0);
  return out;
};

for (const space of [nasbench101, nasbench201]) {
  const anyCell = fc.nat(space.size - 1).map((id) => space.cells()[id]!);

  describe(`the codec of ${space.name}`, () => {
    it('decodes what it encodes', () => {
      fc.assert(
        fc.property(anyCell, (cell) => {
          expect(space.decode(encoded(space, cell), 0)).toBe(cell);
        }),
        { numRuns: 1000 },
      );
    });

    it('writes tokens of the vocabulary into its own row only', () => {
      fc.assert(
        fc.property(anyCell, (cell) => {
          const length = space.sequenceLength;
          const rows = new Int32Array(3 * length).fill(-1);
          space.encode(cell, rows, length);
          expect(rows.subarray(0, length).every((token) => token === -1)).toBe(true);
          expect(rows.subarray(2 * length).every((token) => token === -1)).toBe(true);
          const row = rows.subarray(length, 2 * length);
          expect(row.every((token) => token >= 0 && token < space.vocabulary)).toBe(true);
          expect(space.decode(rows, length)).toBe(cell);
        }),
      );
    });

    it('gives a cell of the space or NO_CELL for any tokens', () => {
      fc.assert(
        fc.property(
          anyCell,
          fc.array(fc.tuple(fc.nat(space.sequenceLength - 1), fc.nat(space.vocabulary - 1)), {
            maxLength: 4,
          }),
          (cell, changes) => {
            const tokens = encoded(space, cell);
            for (const [at, token] of changes) tokens[at] = token;
            const decoded = space.decode(tokens, 0);
            if (decoded !== NO_CELL) expect(space.idOf(decoded)).toBeGreaterThanOrEqual(0);
          },
        ),
        { numRuns: 1000 },
      );
    });
  });
}

describe('decoding nasbench101', () => {
  const decode = (...tokens: number[]) => {
    const row = new Int32Array(27);
    row.set(tokens);
    return nasbench101.decode(row, 0);
  };

  it('ignores what follows the output token', () => {
    expect(decode(2, 6, 5, 6, 1, 1)).toBe(decode(2, 6));
  });

  it('prunes before it counts edges', () => {
    // Vertex 1 has no in-edge: what is left is input→output.
    expect(decode(1, 3, 2, 2, 6)).toBe(decode(2, 6));
  });

  it.each([
    ['no output token', [2, 3, 1, 2]],
    ['a length that no cell has', [2, 3, 1, 6]],
    ['an operation for an edge', [3, 6]],
    ['an edge for an operation', [2, 2, 1, 2, 6]],
    ['padding inside', [2, 0, 1, 2, 6]],
    ['input and output apart', [2, 3, 1, 1, 6]],
    ['ten edges', [2, 3, 2, 2, 3, 2, 2, 2, 3, 2, 2, 2, 2, 6]],
  ])('refuses %s', (_, tokens) => {
    expect(decode(...tokens)).toBe(NO_CELL);
  });
});

describe('the codec of nasbench201', () => {
  it('gives each architecture its own sequence', () => {
    const all = new Set<string>();
    for (const cell of nasbench201.cells()) all.add(encoded(nasbench201, cell).join());
    expect(all.size).toBe(15_625);
  });

  it("is the reference's where no operation is none", () => {
    // From the line graph of nas_201_api's ModelSpec: vertices in the order of the string, then their adjacency.
    const cell = nasbench201.parse(
      '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_3x3~0|skip_connect~1|avg_pool_3x3~2|',
    );
    expect([...encoded(nasbench201, cell)]).toEqual(
      [
        [2, 6],
        [2, 1, 4],
        [1, 2, 1, 3],
        [2, 1, 1, 1, 5],
        [1, 2, 1, 1, 1, 3],
        [1, 1, 2, 2, 1, 1, 6],
        [1, 1, 1, 1, 2, 2, 2, 7],
      ].flat(),
    );
  });

  it('joins an edge without operation to nothing', () => {
    const cell = nasbench201.parse('|none~0|+|nor_conv_1x1~0|none~1|+|none~0|skip_connect~1|avg_pool_3x3~2|');
    expect([...encoded(nasbench201, cell)]).toEqual(
      [
        [1, 1],
        [2, 1, 4],
        [1, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 3],
        [1, 1, 2, 1, 1, 1, 6],
        [1, 1, 1, 1, 1, 2, 2, 7],
      ].flat(),
    );
  });

  it('refuses edges that do not follow from the operations', () => {
    const tokens = encoded(nasbench201, nasbench201.cells()[0]!);
    tokens[0] = 3 - tokens[0]!;
    expect(nasbench201.decode(tokens, 0)).toBe(NO_CELL);
  });
});
