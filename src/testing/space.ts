import assert from 'node:assert/strict';
import { RxnasError } from '../core/errors.js';
import { parseParams } from '../core/params.js';
import { stream } from '../core/random/random.js';
import { mutantCell, mutantEdits, NO_CELL, type Space, type SpaceSpec } from '../core/space/space.js';
import { type Check, descriptionCheck } from './check.js';

export interface SpaceCase {
  /** Parameters to check it with; default: its own defaults. */
  params?: Record<string, unknown>;
  /** Cells that are looked at, spread over the space; default 500, or all of a smaller space. */
  cells?: number;
  seed?: number;
}

/**
 * What every space must do: number its cells, read back the token sequences that it writes, know a cell in whatever form, draw positives
 * within the distance drawn, and measure distances that are one.
 *
 *     for (const { name, run } of spaceConformance(mySpace)) it(name, run);
 */
export function spaceConformance(
  spec: SpaceSpec,
  { params = {}, cells: looked = 500, seed = 1 }: SpaceCase = {},
): Check[] {
  let opened: Space | undefined;
  const open = () => {
    opened ??= spec.create(parseParams(`space ${spec.name}`, spec.params, params));
    return opened;
  };
  const random = (what: string) => stream(seed, 'conformance', spec.name, what);
  const ids = ({ size }: Space) => {
    const count = Math.min(looked, size);
    return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
  };
  const some = (space: Space) => ids(space).map((id) => space.cells()[id]!);
  const text = (space: Space, cell: number) => `cell ${cell} (${space.describe(cell).text})`;

  return [
    descriptionCheck(spec),
    {
      name: 'numbers its cells: each in canonical form, at the place that its id names',
      run() {
        const space = open();
        const cells = space.cells();
        assert.equal(space.name, spec.name);
        assert.equal(cells.length, space.size);
        const byVertices = Object.values(space.countByVertices());
        assert.equal(
          byVertices.reduce((sum, count) => sum + count, 0),
          space.size,
        );
        for (const id of ids(space)) {
          const cell = cells[id]!;
          assert.ok(cell < 2 ** 29, `${text(space, cell)} has more than 29 bits`);
          assert.equal(space.idOf(cell), id, text(space, cell));
          assert.equal(space.canonical(cell), cell, text(space, cell));
        }
      },
    },
    {
      name: 'knows what is no cell',
      run() {
        const space = open();
        assert.equal(space.idOf(NO_CELL), -1);
        assert.equal(space.canonical(NO_CELL), NO_CELL);
      },
    },
    {
      name: 'reads back the token sequences that it writes, within their bounds',
      run() {
        const space = open();
        const { sequenceLength, vocabulary } = space;
        for (const cell of some(space)) {
          const tokens = new Int32Array(sequenceLength + 2).fill(-1);
          space.encode(cell, tokens, 1);
          assert.deepEqual(
            [tokens[0], tokens.at(-1)],
            [-1, -1],
            `${text(space, cell)} is written out of bounds`,
          );
          const own = tokens.subarray(1, -1);
          assert.ok(
            own.every((token) => token >= 0 && token < vocabulary),
            `tokens of ${text(space, cell)} outside 0 … ${vocabulary - 1}`,
          );
          assert.equal(space.canonical(space.decode(tokens, 1)), cell, text(space, cell));
        }
      },
    },
    {
      name: 'reads any tokens as a cell of its own, or as none',
      run() {
        const space = open();
        const draw = random('tokens');
        for (let i = 0; i < 2000; i++) {
          const tokens = new Int32Array(space.sequenceLength);
          space.encode(space.sample(draw), tokens, 0);
          for (let flips = draw.int(6); flips > 0; flips--) {
            tokens[draw.int(tokens.length)] = draw.int(space.vocabulary);
          }
          const cell = space.decode(tokens, 0);
          assert.ok(cell === NO_CELL || space.idOf(cell) >= 0, `tokens ${tokens.join(' ')} give ${cell}`);
        }
      },
    },
    {
      name: 'gives each cell a hash of its own, the same in whatever form',
      run() {
        const space = open();
        const hashes = new Map<string, number>();
        for (const cell of some(space)) {
          const hash = space.hash(cell);
          assert.equal(hashes.get(hash), undefined, `${text(space, cell)} has the hash of another cell`);
          hashes.set(hash, cell);
          const tokens = new Int32Array(space.sequenceLength);
          space.encode(cell, tokens, 0);
          assert.equal(space.hash(space.decode(tokens, 0)), hash, text(space, cell));
        }
      },
    },
    {
      name: 'reads the text that it writes, and refuses others as a usage error',
      run() {
        const space = open();
        for (const cell of some(space)) {
          const description = space.describe(cell);
          assert.equal(space.canonical(space.parse(description.text)), cell, description.text);
          assert.equal(description.hash, space.hash(cell));
        }
        assert.throws(
          () => space.parse('?!'),
          (error) => error instanceof RxnasError && error.exitCode === 2,
        );
      },
    },
    {
      name: 'draws positives within the distance drawn, from the random stream alone',
      run() {
        const space = open();
        const [one, other, third] = [random('positives'), random('positives'), random('positives')];
        let moved = 0;
        for (const anchor of some(space)) {
          const drawn = space.mutateWithEdits(anchor, one);
          assert.equal(
            space.mutateWithEdits(anchor, other),
            drawn,
            `${text(space, anchor)}: not the same again`,
          );
          const [positive, edits] = [mutantCell(drawn), mutantEdits(drawn)];
          assert.equal(
            space.mutate(anchor, third),
            positive,
            `${text(space, anchor)}: mutate gives another cell`,
          );
          assert.ok(space.idOf(positive) >= 0, `${positive} is no cell`);
          assert.ok(edits <= 3, `${edits} edits`);
          assert.ok(
            space.distance(anchor, positive) <= edits,
            `${text(space, positive)} is more than ${edits} edits from ${text(space, anchor)}`,
          );
          if (edits > 0) moved++;
        }
        assert.ok(moved > 0, 'no anchor has a positive');
      },
    },
    {
      name: 'lists neighbours: other cells of its own, in canonical form, each once, in a fixed order',
      run() {
        const space = open();
        for (const cell of some(space).slice(0, 50)) {
          const neighbours = space.neighbours(cell);
          assert.deepEqual(space.neighbours(cell), neighbours);
          assert.equal(new Set([cell, ...neighbours]).size, neighbours.length + 1, text(space, cell));
          for (const other of neighbours) {
            assert.ok(
              space.idOf(other) >= 0 && space.canonical(other) === other,
              `${other}, beside ${text(space, cell)}`,
            );
          }
        }
        const graph = space.sampleGraph(random('graph'));
        assert.ok(space.idOf(graph) >= 0 && space.canonical(graph) === graph, `sampleGraph gave ${graph}`);
      },
    },
    {
      name: 'measures distances: 0 for the same cell only, the same both ways, cut off at the limit',
      run() {
        const space = open();
        const draw = random('distance');
        for (let i = 0; i < 50; i++) {
          const [a, b] = [space.sample(draw), space.sample(draw)];
          assert.ok(space.idOf(a) >= 0 && space.canonical(a) === a, `sample gave ${a}`);
          assert.equal(space.distance(a, a), 0);
          const distance = space.distance(a, b);
          assert.equal(distance === 0, a === b, `${text(space, a)} and ${text(space, b)}: ${distance}`);
          assert.equal(space.distance(b, a), distance, `${text(space, a)} and ${text(space, b)}`);
          for (const limit of [0, 1, 3])
            assert.equal(space.distance(a, b, limit), Math.min(distance, limit + 1));
        }
      },
    },
  ];
}
