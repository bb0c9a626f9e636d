import { createRun, type Run, resumeRun } from '../../src/core/run/index.js';

/**
 * A run that logs rows for ever: `create OUT` or `resume OUT`. Rows are numbered; every 500 of them there is a checkpoint
 * that says how many there are. Prints a line at each.
 */
const [how, out] = process.argv.slice(-2) as [string, string];
let run: Run;
let n = 0;
if (how === 'create') run = await createRun({ kind: 'fault', out, spec: {}, seed: 1 });
else {
  const resumed = await resumeRun(out);
  run = resumed.run;
  n = resumed.checkpoint?.position.step ?? 0;
}
console.log('started');
for (;;) {
  for (let i = 0; i < 500; i++) {
    run.append('proposal', { round: 0, step: n++, decoded: 1, valid: 2, fresh: 3 });
    if (n % 50 === 0) run.append('warning', { code: 'fifty', message: 'x'.repeat(n % 997), step: n });
  }
  await run.checkpoint({ space: 'none', position: { step: n, epoch: 0, round: 0 } });
  console.log(n);
}
