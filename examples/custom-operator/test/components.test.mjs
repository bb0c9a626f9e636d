import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstValueFrom, from, lastValueFrom, of, toArray } from 'rxjs';
import { anchorBatch, builtIns, mutate, openChoice, stream, useComponents, values } from 'rxnas';
import { lossConformance, operatorConformance, spaceConformance } from 'rxnas/testing';

// As a spec's `use:` does it: TypeScript is compiled on the way.
const folder = fileURLToPath(new URL('..', import.meta.url));
const registry = await useComponents(builtIns, ['./src/index.ts'], folder);

const space = openChoice(registry, 'space', { smallCells: { vertices: 5 } });
const nearFirst = registry.find('stage', 'nearFirst');
const options = { space, seed: 1, from: 1, to: 3, steps: 4 };

/** Cells as `mutate` makes them of random anchors. */
async function cells(seed) {
  const random = stream(seed, 'test');
  const anchors = Uint32Array.from({ length: 16 }, () => space.sample(random));
  return firstValueFrom(of(anchorBatch(anchors)).pipe(mutate({ space, seed, samplesPerClass: 8 })));
}
const batches = await Promise.all([1, 2, 3, 4, 5].map(cells));

describe('nearFirst', () => {
  const checks = operatorConformance({
    spec: nearFirst,
    create: () => nearFirst.create(options),
    items: () => batches,
  });
  for (const { name, run } of checks) test(name, run);

  test('lets farther positives in one edit at a time', async () => {
    const out = await lastValueFrom(from(batches).pipe(nearFirst.create(options), toArray()));
    const most = out.map((batch) => Math.max(...values(batch, 'edits')));
    assert.deepEqual(most, [1, 1, 2, 3, 3]);
  });

  test('writes the tokens of the cells that it draws', async () => {
    const out = await firstValueFrom(from(batches).pipe(nearFirst.create(options)));
    const tokens = values(out, 'tokens');
    values(out, 'cell').forEach((cell, row) => {
      assert.equal(space.canonical(space.decode(tokens, row * space.sequenceLength)), space.canonical(cell));
    });
  });
});

describe('BinomialDeviance', () => {
  for (const { name, run } of lossConformance(registry.find('loss', 'BinomialDeviance'))) test(name, run);
});

describe('smallCells', () => {
  for (const { name, run } of spaceConformance(registry.find('space', 'smallCells'))) test(name, run);

  test('has the 2,532 cells of at most 5 vertices', () => assert.equal(space.size, 2532));
});
