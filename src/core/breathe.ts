import { setImmediate } from 'node:timers/promises';

const longestBreath = 15;
let last = 0;

/**
 * Let timers, signals and I/O run, at most every 15 ms. Stages that compute await it: a pipeline of promises alone
 * would keep Node in its microtask queue, deaf to Ctrl-C.
 */
export async function breathe(): Promise<void> {
  const now = performance.now();
  if (now - last < longestBreath) return;
  await setImmediate();
  last = performance.now();
}
