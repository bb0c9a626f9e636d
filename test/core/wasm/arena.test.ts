import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemory } from '../../../src/core/engine/simd/module.js';
import { Arena } from '../../../src/core/wasm/arena.js';

test('regions are aligned, lie inside the memory and never overlap', () => {
  const sizes = fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 200_000 }), release: fc.nat() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, (steps) => {
      const memory = createMemory();
      const arena = new Arena(memory, 1000);
      const live: { start: number; end: number }[] = [];
      for (const { bytes, release } of steps) {
        if (release % 3 === 0 && live.length > 0)
          arena.release(live.splice(release % live.length, 1)[0]!.start);
        const start = arena.allocate(bytes);
        const end = start + bytes;
        expect(start % 64).toBe(0);
        expect(start).toBeGreaterThanOrEqual(1000);
        expect(end).toBeLessThanOrEqual(memory.buffer.byteLength);
        expect(live.some((other) => start < other.end && other.start < end)).toBe(false);
        live.push({ start, end });
        expect(arena.live).toBe(live.length);
      }
    }),
    { numRuns: 50 },
  );
});

test('what is released is used again, in whatever order', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
      const memory = createMemory();
      const arena = new Arena(memory, 0);
      const regions = order.map(() => arena.allocate(50_000));
      const size = memory.buffer.byteLength;
      for (const index of order) arena.release(regions[index]!);
      arena.allocate(size);
      expect(memory.buffer.byteLength).toBe(size);
    }),
  );
});

test('a region is released once', () => {
  const arena = new Arena(createMemory(), 0);
  const region = arena.allocate(100);
  arena.release(region);
  expect(() => arena.release(region)).toThrow('no live region');
});

test('more than WebAssembly can address is refused in words', () => {
  expect(() => new Arena(createMemory(), 0).allocate(2 ** 33)).toThrow('cannot get 8192 MiB');
});
