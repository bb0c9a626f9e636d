import { nearest } from '../../analytics/surrogates.js';
import { fitUmap, type UmapSettings } from '../../core/projection/umap.js';
import { stream } from '../../core/random/random.js';
import type { Space } from '../../core/space/index.js';
import { tokensOfCells } from '../../core/space/space.js';
import type { ClusterPanel, ClustersData } from '../../report/figures/clusters.js';
import { type ControllersOptions, openControllers } from '../controllers.js';

/** Both settings of the paper's figure 2. */
const paperSettings: readonly UmapSettings[] = [
  { minDist: 0.1, neighbors: 16, metric: 'cosine' },
  { minDist: 0.5, neighbors: 32, metric: 'euclidean' },
];

/** Anchors that are further apart than positives can be from one another, so that no cell belongs to two classes. */
const APART = 7;
const NEAREST = 10;

/** The classes that a figure shows: cells, and the class of each; the first of a class is its anchor. */
function drawClasses(space: Space, classes: number, size: number, seed: number) {
  const random = stream(seed, 'clusters');
  const cells: number[] = [];
  const labels: number[] = [];
  const anchors: number[] = [];
  for (let tries = 0; anchors.length < classes && tries < 100_000; tries++) {
    const anchor = space.sample(random);
    // Small cells have too few positives to fill a class.
    if (anchors.some((other) => space.distance(anchor, other, APART) < APART)) continue;
    const members = new Set([anchor]);
    for (let draw = 0; members.size < size && draw < 50 * size; draw++) {
      members.add(space.canonical(space.mutate(anchor, random)));
    }
    if (members.size < size) continue;
    cells.push(...members);
    labels.push(...Array<number>(size).fill(anchors.length));
    anchors.push(anchor);
  }
  return { cells: Uint32Array.from(cells), labels };
}

/** Classes of anchors and positives in the plane, with each controller and each of the paper's settings (paper figure 2). */
export async function clustersData(
  paths: readonly string[],
  {
    classes = 12,
    classSize = 16,
    ...options
  }: ControllersOptions & { classes?: number | undefined; classSize?: number | undefined },
): Promise<ClustersData> {
  const { space, names, each } = openControllers(paths, options);
  const { cells, labels } = drawClasses(space, classes, classSize, options.seed);
  const draw = async (name: string, values: Float32Array, width: number) => {
    const features = { values, width };
    const rows = Uint32Array.from(cells.keys());
    let same = 0;
    for (const row of rows) {
      for (const other of nearest(features, row, rows, NEAREST)) if (labels[row] === labels[other]) same++;
    }
    const purity = same / (NEAREST * rows.length);
    const panels: ClusterPanel[] = [];
    for (const setting of paperSettings) {
      const { points } = await fitUmap(values, width, setting, stream(options.seed, 'clusters', 'umap'));
      panels.push({
        name,
        ...setting,
        purity,
        points: labels.map((cluster, row) => ({
          x: points[2 * row]!,
          y: points[2 * row + 1]!,
          cluster,
          anchor: cluster !== labels[row - 1],
        })),
      });
    }
    return panels;
  };
  const embed = await each(async (controller) => ({
    values: await controller.embed(tokensOfCells(space, cells)),
    width: controller.config.dim,
  }));
  const panels: ClusterPanel[] = [];
  for (const [i, { values, width }] of embed.trained.entries())
    panels.push(...(await draw(names[i]!, values, width)));
  panels.push(...(await draw('untrained', embed.untrained.values, embed.untrained.width)));
  return { space: space.name, panels };
}
