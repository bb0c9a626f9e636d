import { NEVER } from 'rxjs';
import { pretrainJob } from '../../src/jobs/pretrain.js';
import type { Settings } from '../../src/jobs/settings.js';

/** Pretrains a controller for a few steps into `out`, in less than a second. */
export const smallPretraining = (out: string, settings: Settings = {}) =>
  pretrainJob(
    {
      ...{ space: 'nasbench201', engine: 'simd', threads: 1, steps: 10, batch: 64, embed: 64 },
      ...settings,
    },
    { out, stop: NEVER },
  );
