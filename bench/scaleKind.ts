import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { WorkKind } from '../src/core/work/kind.js';

export interface Nap {
  /** Makes units differ. */
  i: number;
  /** Milliseconds that a worker is busy with it, without the processor. */
  milliseconds: number;
}

const nap = async ({ i, milliseconds }: Nap) => {
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return i;
};

/** Units that only take time: what is measured is the way there and back. */
export const napKind: WorkKind<Nap, number> = {
  name: 'nap',
  summary: 'nothing, for a while',
  message: z.strictObject({ i: z.int(), milliseconds: z.number() }),
  result: ({ i }) => z.literal(i),
  describe: ({ i }) => `nap ${i}`,
  load: async () => nap,
  script: new URL('./napProcess.js', import.meta.url),
};

export const napWorkerScript = fileURLToPath(new URL('./napWorker.js', import.meta.url));
