import { expect, it } from 'vitest';
import { findCell } from '../../../src/core/space/findCell.js';
import { nasbench101 } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { tokensOfCells } from '../../../src/core/space/space.js';

it.each([nasbench101, nasbench201])('finds a cell of $name by all its names', (space) => {
  for (const id of [0, 7, 1234]) {
    const cell = space.cells()[id]!;
    const { hash, text, matrix, ops } = space.describe(cell);
    const tokens = [...tokensOfCells(space, [cell])];
    const names = [`${id}`, hash, text, tokens.join(' '), JSON.stringify(tokens)];
    if (matrix) names.push(JSON.stringify({ matrix, ops }));
    for (const name of names) expect(findCell(space, name), name).toBe(cell);
  }
});

it.each(['423624', '1,1,1', 'conv4x4 | 01 12', ''])('says that %j is no cell', (text) => {
  expect(() => findCell(nasbench101, text)).toThrow(expect.objectContaining({ exitCode: 2 }));
});
