import { loadTfjs } from '../../src/core/engine/tfjs/load.js';

/** Whether tfjs-node loads here: what trains networks is skipped, visibly, where it does not. */
export const tfjsLoads: boolean = await loadTfjs({ intraOpThreads: 1 }).then(
  () => true,
  (error: Error) => {
    console.warn(`live training is not tested: ${error.message}`);
    return false;
  },
);
