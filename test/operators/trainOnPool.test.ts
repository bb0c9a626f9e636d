import { lastValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { nasbench101Controller as config } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Pool, QueryRow } from '../../src/core/search/pool.js';
import { trainOnPool } from '../../src/operators/trainOnPool.js';
import { loadableEngines } from '../support/engines.js';

/** Of a pool, what training reads. */
const pool = {
  rows: new Array<QueryRow>(8),
  tokens: (rows) => new Int32Array(rows.length * config.length).fill(1),
  target: () => 0.5,
} as Pick<Pool, 'rows' | 'tokens' | 'target'> as Pool;

test.each(loadableEngines)('%s: numbers that are not finite end training, named', async (_, create) => {
  const engine = await create({ threads: 1 });
  const run = async (spoil: string, value: number) => {
    const weights = initialWeights(config, 1);
    weights[spoil]![3] = value;
    const controller = await engine.controller(config, weights);
    return lastValueFrom(trainOnPool({ controller, pool, seed: 1, round: 2, epochs: 3 }));
  };
  await expect(run('encoder.mlp.0.weight', 0)).resolves.toMatchObject({ round: 2, epoch: 8 });
  await expect(run('encoder.mlp.0.weight', Number.NaN)).rejects.toMatchObject({
    exitCode: 1,
    message:
      'training diverged at round 2, inner epoch 6: the squared error of the predictions is not finite, the first spoilt tensor is encoder.embedding.weight',
  });
  await expect(run('decoder.out.weight', Number.NaN)).rejects.toThrow(
    'the reconstruction loss is not finite',
  );
  await engine.dispose();
});
