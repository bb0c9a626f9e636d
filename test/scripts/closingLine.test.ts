import { expect, it, vi } from 'vitest';
import { ClosingLine } from '../support/closingLine.js';

it('counts tests, files that cannot be loaded, and errors outside of tests', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  const module = (states: string[], errors: unknown[] = []) => ({
    children: { allTests: () => states.map((state) => ({ result: () => ({ state }) })) },
    errors: () => errors,
  });
  const modules = [
    module(['passed', 'skipped', 'pending']),
    module(['passed', 'failed']),
    module([], ['syntax error']),
  ];
  new ClosingLine((now) => now()).onTestRunEnd(modules as never, ['unhandled rejection']);
  expect(print.mock.calls).toEqual([['2 passed, 3 failed, 2 skipped']]);
});
