import { describe, expect, it } from 'vitest';
import { cellFacts } from '../../src/analytics/cellFacts.js';
import { nearest as exact } from '../../src/analytics/surrogates.js';
import { stream } from '../../src/core/random/random.js';
import { openSpace } from '../../src/core/space/index.js';
import { column } from '../../src/report/column.js';
import { mapModel } from '../../src/report/mapModel.js';
import { unpack } from '../../src/report/page/map/columns.js';
import { accuracyOf, unpackMap } from '../../src/report/page/map/mapData.js';
import { nearest } from '../../src/report/page/map/neighbours.js';
import { Raster } from '../../src/report/page/map/raster.js';
import { depthsOf, graphOf, layersOf } from '../../src/report/page/map/spaces.js';

const nasbench101 = openSpace('nasbench101');
const random = stream(1, 'test', 'map');
const rows = 500;
const cells = Uint32Array.from({ length: rows }, () => nasbench101.sample(random));
const embeddings = Float32Array.from({ length: rows * 16 }, () => random.normal());
const source = 'cells at random';
const space = 'nasbench101';

describe('the model of a map', () => {
  it('comes out of the page as it went in', async () => {
    const test = Float64Array.from(cells, (_, i) => (i % 3 === 0 ? Number.NaN : 0.1 + 0.8 * random.float()));
    const validation = new Float64Array(rows).fill(Number.NaN);
    const errors = Uint8Array.from(cells, () => random.int(28));
    const model = mapModel({
      ...{ source, space, cells, embeddings, width: 16, errors: { length: 27, values: errors } },
      accuracies: [
        { id: 'test', name: 'test accuracy', values: test },
        { id: 'validation', name: 'validation accuracy', values: validation },
      ],
    });
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
    const data = await unpackMap(model);
    expect(data.cells).toEqual(cells);
    expect(data.errors).toEqual(errors);
    expect(data.accuracies.map(({ id }) => id)).toEqual(['test']); // of the other nothing is known
    for (const [i, accuracy] of test.entries()) {
      const found = accuracyOf(data.accuracies[0]!, i);
      if (Number.isNaN(accuracy)) expect(found).toBeUndefined();
      else expect(found).toBeCloseTo(accuracy, 4);
    }
    const [{ x, y }] = data.layouts as [(typeof data.layouts)[0]];
    const ends = [x, y].flatMap((axis) => [Math.min(...axis), Math.max(...axis)]);
    expect([Math.min(...ends), Math.max(...ends)]).toEqual([0, 65_535]);
  });

  it('finds the neighbours that the embeddings have', async () => {
    const model = mapModel({ source, space, cells, embeddings, width: 16 });
    const { embedding } = await unpackMap(model);
    const all = Uint32Array.from(cells.keys());
    let hits = 0;
    for (let row = 0; row < 50; row++) {
      const found = nearest(embedding, rows, model.embedding.step, row, 10);
      expect(found.map(({ distance }) => distance)).toEqual(
        [...found.map(({ distance }) => distance)].sort((a, b) => a - b),
      );
      const wanted = exact({ values: embeddings, width: 16 }, row, all, 10);
      hits += found.filter((each) => wanted.includes(each.row)).length;
    }
    expect(hits / 500).toBeGreaterThan(0.95); // rounding swaps some of about the same distance
  });

  it('takes points that are all in one place', async () => {
    const model = mapModel({ source, space, cells, embeddings: new Float32Array(rows * 16), width: 16 });
    const { layouts } = await unpackMap(model);
    expect(new Set(layouts[0]!.x).size).toBe(1);
  });
});

it('packs numbers of each size', async () => {
  for (const values of [
    Uint8Array.of(0, 1, 255),
    Uint16Array.of(0, 256, 65_535),
    Uint32Array.of(0, 1, 0x0102_0304, 0xffff_ffff),
    new Uint16Array(0),
  ]) {
    expect(await unpack(column(values))).toEqual(values);
  }
});

describe('cells in the page', () => {
  it('are as deep as everywhere', () => {
    expect([...depthsOf(nasbench101, cells)]).toEqual(
      Array.from(cells, (cell) => cellFacts(nasbench101, cell).depth),
    );
    expect(layersOf(graphOf(nasbench101, cells[0]!)).at(-1)).toBe(cellFacts(nasbench101, cells[0]!).depth);
  });

  it('of NAS-Bench-201 are drawn with their operations as vertices', () => {
    const nasbench201 = openSpace('nasbench201');
    const text = '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|';
    expect(graphOf(nasbench201, nasbench201.parse(text))).toEqual({
      labels: ['input', 'conv 3×3', 'skip connect', 'avg pool 3×3', 'conv 1×1', 'output'],
      edges: [
        [0, 1],
        [0, 3],
        [1, 2],
        [2, 4],
        [3, 5],
        [4, 5],
      ],
    });
  });
});

describe('the picture', () => {
  const palette = Uint32Array.from({ length: 256 }, (_, i) => i);
  const picture = (width: number, height: number) => ({
    width,
    height,
    data: new Uint8ClampedArray(width * height * 4),
  });
  const view = { scale: 1, x: 0, y: 0 };
  /** So many points that each is one pixel. */
  const crowd = (x: number, y: number, colour: number, count = 2000) => ({
    x: new Uint16Array(count).fill(x),
    y: new Uint16Array(count).fill(y),
    colours: new Uint8Array(count).fill(colour),
  });

  it('has points where they are, the more opaque the more there are', () => {
    const image = picture(20, 20);
    const { x, y, colours } = crowd(5, 7, 100);
    x[0] = 9;
    new Raster().draw(image, { x, y, colours, blend: 'mean' }, palette, view, 1);
    const pixel = (x: number, y: number) => [...image.data.subarray(4 * (20 * y + x), 4 * (20 * y + x) + 4)];
    expect(pixel(5, 7)).toEqual([100, 0, 0, 255]);
    const [red, , , alpha] = pixel(9, 7);
    expect(red).toBe(100);
    expect(alpha).toBeGreaterThan(100);
    expect(alpha).toBeLessThan(255);
    expect(image.data.filter((_, i) => i % 4 === 3).filter(Boolean)).toHaveLength(2);
  });

  it('mixes what lies on top of each other, or shows the least, and forgets the picture before', () => {
    const raster = new Raster();
    const image = picture(20, 20);
    const points = crowd(5, 5, 0);
    points.colours.fill(200, 1000);
    const red = () => image.data[4 * (20 * 5 + 5)];
    raster.draw(image, { ...points, blend: 'mean' }, palette, view, 1);
    expect(red()).toBe(100);
    points.colours[0] = 255; // not known: it has no say
    raster.draw(image, { ...points, blend: 'mean' }, palette, view, 1);
    expect(red()).toBe(100);
    raster.draw(image, { ...points, blend: 'least' }, palette, view, 1);
    expect(red()).toBe(0);
    raster.draw(image, { ...crowd(9, 9, 3), blend: 'mean' }, palette, view, 1);
    expect(red()).toBe(0);
    expect(image.data[4 * (20 * 5 + 5) + 3]).toBe(0);
  });

  it('draws few points as discs, also where they touch the edge', () => {
    const image = picture(40, 40);
    const points = {
      x: Uint16Array.of(20, 0),
      y: Uint16Array.of(20, 39),
      colours: Uint8Array.of(9, 255),
      blend: 'mean' as const,
    };
    new Raster().draw(image, points, palette, view, 1);
    const shown = (x: number, y: number) => image.data[4 * (40 * y + x) + 3]! > 0;
    expect([shown(20, 20), shown(22, 20), shown(20, 18), shown(30, 20), shown(1, 39)]).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
  });
});
