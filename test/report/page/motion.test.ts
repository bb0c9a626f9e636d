import { expect, it } from 'vitest';
import { Motion } from '../../../src/report/page/map/motion.js';

const places = (x: number[], y: number[]) => ({ x: Uint16Array.from(x), y: Uint16Array.from(y) });

it('moves places from where they were to where they are, and says when they have arrived', () => {
  const [from, to] = [places([0, 60_000], [100, 200]), places([1000, 0], [100, 65_535])];
  const motion = new Motion(from, to, 5000);
  expect(motion.moveTo(4990)).toBe(true);
  expect([...motion.x, ...motion.y]).toEqual([...from.x, ...from.y]);
  let before = 0;
  for (let time = 5100; time < 5900; time += 100) {
    expect(motion.moveTo(time)).toBe(true);
    expect(motion.x[0]).toBeGreaterThan(before);
    expect(motion.y[0]).toBe(100);
    before = motion.x[0]!;
  }
  expect(motion.moveTo(5900)).toBe(false);
  expect([...motion.x, ...motion.y]).toEqual([...to.x, ...to.y]);
});
