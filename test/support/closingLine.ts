import type { Reporter, TestModule } from 'vitest/node';

/** Vitest reporter that ends a run with one plain line, `N passed, N failed, N skipped`, for people and for CI. */
export class ClosingLine implements Reporter {
  constructor(private readonly atEnd = (print: () => void): unknown => process.once('exit', print)) {}

  onTestRunEnd(
    modules: ReadonlyArray<Pick<TestModule, 'children' | 'errors'>>,
    errors: ReadonlyArray<unknown> = [],
  ): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      // A file that cannot be loaded has no tests to fail.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
    }
    // Vitest's own summary comes after all reporters have heard of the end.
    this.atEnd(() =>
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`),
    );
  }
}
