/* A process with an executor. `idle`: does a unit and has nothing more to do; `busy`: two that never end. */
import { ProcessExecutor } from '../../../dist/core/work/processExecutor.js';

const [what, file] = process.argv.slice(2);
const executor = new ProcessExecutor({
  script: new URL('./worker.mjs', import.meta.url),
  slots: 2,
  attempts: 1,
  describe: ({ kind }) => kind,
});
if (what === 'idle') console.log((await executor.run({ kind: 'echo', value: 'done' })).pid);
else await Promise.allSettled([1, 2].map(() => executor.run({ kind: 'busy', file })));
