import { locality } from '../../analytics/embeddingQuality.js';
import { stream } from '../../core/random/random.js';
import { tokensOfCells } from '../../core/space/space.js';
import type { EmbeddingDistanceData } from '../../report/figures/embeddingDistance.js';
import { type ControllersOptions, openControllers } from '../controllers.js';
import { closeRows, inBatches, localitySample } from '../localitySample.js';

/** Embedding distance by edit distance, with each controller on the same cells (paper figure 1c). */
export async function embeddingDistanceData(
  paths: readonly string[],
  { cells, pairs, ...options }: ControllersOptions & { cells: number; pairs: number },
): Promise<EmbeddingDistanceData> {
  const { space, names, each } = openControllers(paths, options);
  const sample = localitySample(space, cells, stream(options.seed, 'evaluate', 'cells'));
  const { trained, untrained } = await each(async (controller) => {
    const values = await inBatches(
      sample.all,
      (part) => controller.embed(tokensOfCells(space, part)),
      Float32Array,
    );
    const embedded = { space, cells: sample.all, width: controller.config.dim, values };
    const random = stream(options.seed, 'evaluate', 'pairs');
    const { correlation, byDistance } = locality(
      embedded,
      { rows: sample.cells.length, pairs, close: closeRows(sample) },
      random,
    );
    return { correlation, groups: byDistance };
  });
  return {
    space: space.name,
    cells: sample.cells.length,
    series: trained.map((found, i) => ({ name: names[i]!, ...found })),
    untrained: { name: 'untrained', ...untrained },
  };
}
