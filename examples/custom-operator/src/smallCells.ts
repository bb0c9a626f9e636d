import { defineSpace, mutantCell, NO_CELL, openSpace, type Space, z } from 'rxnas';

/** The cells of NAS-Bench-101 with at most so many vertices. They come first there, so that their ids are the same here. */
export const smallCells = defineSpace({
  name: 'smallCells',
  summary: 'The cells of NAS-Bench-101 with few vertices',
  source: 'NAS-Bench-101, arXiv 1902.09635',
  params: z.strictObject({
    vertices: z
      .int()
      .min(4)
      .max(7)
      .default(5)
      .describe('most vertices of a cell, input and output included')
      .meta({ unit: 'vertices' }),
  }),
  create({ vertices }): Space {
    const all = openSpace('nasbench101');
    const counts = Object.entries(all.countByVertices()).filter(([count]) => Number(count) <= vertices);
    const size = counts.reduce((sum, [, cells]) => sum + cells, 0);
    const idOf = (cell: number) => {
      const id = all.idOf(cell);
      return id < size ? id : -1;
    };
    const mutateWithEdits: Space['mutateWithEdits'] = (anchor, random) => {
      for (let attempt = 0; attempt < 100; attempt++) {
        const drawn = all.mutateWithEdits(anchor, random);
        if (idOf(mutantCell(drawn)) >= 0) return drawn;
      }
      return anchor; // no edits: the anchor itself
    };
    return {
      ...all,
      name: 'smallCells',
      size,
      cells: () => all.cells().subarray(0, size),
      countByVertices: () => Object.fromEntries(counts),
      idOf,
      canonical: (cell) => (idOf(cell) < 0 ? NO_CELL : all.canonical(cell)),
      decode(tokens, offset) {
        const cell = all.decode(tokens, offset);
        return idOf(cell) < 0 ? NO_CELL : cell;
      },
      mutateWithEdits,
      mutate: (anchor, random) => mutantCell(mutateWithEdits(anchor, random)),
      sample: (random) => all.cells()[random.int(size)]!,
      sampleGraph(random) {
        for (;;) {
          const cell = all.sampleGraph(random);
          if (idOf(cell) >= 0) return cell;
        }
      },
      neighbours: (cell) => all.neighbours(cell).filter((other) => idOf(other) >= 0),
    };
  },
});
