import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRing } from './ring.ts';

test('first in, first out; the oldest give way', () => {
  const ring = createRing<number>(3, () => 1);
  expect([1, 2, 3, 4, 5].map((item) => ring.push(item))).toEqual([0, 0, 0, 1, 1]);
  expect(ring.size).toBe(3);
  expect([ring.shift(), ring.shift(), ring.shift(), ring.shift()]).toEqual([3, 4, 5, undefined]);
});

test('an item heavier than the whole ring is kept alone', () => {
  const ring = createRing<number>(5, (weight) => weight);
  ring.push(2);
  expect(ring.push(9)).toBe(1);
  expect(ring.size).toBe(1);
  expect(ring.push(1)).toBe(1);
  expect(ring.shift()).toBe(1);
});

test('never heavier than its capacity, never out of order, and every item is shifted or counted as dropped', () => {
  const step = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constant('shift' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ring = createRing<{ order: number; weight: number }>(20, (item) => item.weight);
      let pushed = 0;
      let dropped = 0;
      const shifted: number[] = [];
      for (const one of steps) {
        if (one !== 'shift') dropped += ring.push({ order: pushed++, weight: one });
        else shifted.push(...[ring.shift()].filter((item) => item !== undefined).map((item) => item.order));
      }
      const left: { order: number; weight: number }[] = [];
      for (let item = ring.shift(); item; item = ring.shift()) left.push(item);
      expect(left.reduce((sum, item) => sum + item.weight, 0)).toBeLessThanOrEqual(20);
      const orders = [...shifted, ...left.map((item) => item.order)];
      expect(orders).toEqual(orders.toSorted((a, b) => a - b));
      expect(shifted.length + left.length + dropped).toBe(pushed);
      if (left.length > 0) expect(left.at(-1)?.order).toBe(pushed - 1);
    }),
  );
});
