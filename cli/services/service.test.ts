import { expect, it } from 'vitest';
import { nextDelay } from './service.ts';

it('waits longer after each early death, up to a limit, and starts over after a healthy life', () => {
  const delays = [nextDelay(0, 100)];
  while (delays.length < 8) delays.push(nextDelay(delays.at(-1) ?? 0, 100));
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(nextDelay(10_000, 30_001)).toBe(250);
});
