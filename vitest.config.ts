import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // Native addons and worker threads are under test: a process per file, no more than the cores.
    pool: 'forks',
    poolOptions: { forks: { maxForks: 2 } },
    reporters: ['default', new ClosingLine()],
  },
});
