import { expect, test } from 'vitest';
import { createRandom } from './random.ts';

test('the same seed gives the same numbers, spread over [0, 1)', () => {
  const draw = (seed: number) => Array.from({ length: 10_000 }, createRandom(seed));
  const numbers = draw(1);
  expect(numbers).toEqual(draw(1));
  expect(numbers).not.toEqual(draw(2));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1);
});
