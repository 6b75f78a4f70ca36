import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Carts, createCarts, pricesCents } from './carts.ts';

const start = (maxSessions = 100) => createCarts({ maxSessions });

test('a cart holds what was put in, at its price', () => {
  const carts = start();
  carts.put('ann', 'hat', 2);
  carts.put('ann', 'flask', 1);
  carts.put('ben', 'tent', 1);
  expect(carts.put('ann', 'hat', 3)).toEqual({
    session: 'ann',
    items: [
      { sku: 'hat', quantity: 3, cents: 5370 },
      { sku: 'flask', quantity: 1, cents: 1995 },
    ],
    totalCents: 7365,
  });
  expect(carts.remove('ann', 'flask').totalCents).toBe(5370);
  expect(carts.checkout('ann')).toMatchObject({ order: 1, totalCents: 5370 });
  expect(carts.list('ann').items).toEqual([]);
  expect(carts.summary()).toEqual({ sessions: 1, orders: 1, soldCents: 5370 });
});

test.each(['constructor', 'moon'])('the shop does not sell %s', (sku) => {
  expect(() => start().put('ann', sku, 1)).toThrow('sku: expected one of binoculars');
});

test.each([0, -1, 1.5, Number.NaN, 1000])('a quantity of %s is refused', (quantity) => {
  expect(() => start().put('ann', 'hat', quantity)).toThrow('quantity: expected a whole number from 1 to 999');
});

test('an empty cart is not sold, and sessions are limited', () => {
  const carts = start(1);
  expect(() => carts.checkout('ann')).toThrow('empty');
  carts.put('ann', 'hat', 1);
  expect(() => carts.put('ben', 'hat', 1)).toThrow('at most 1 sessions');
});

const session = fc.constantFrom('ann', 'ben', 'cid');
const sku = fc.constantFrom(...Object.keys(pricesCents));
const change: fc.Arbitrary<(carts: Carts) => unknown> = fc.oneof(
  fc.tuple(session, sku, fc.integer({ min: 1, max: 9 })).map((given) => (carts: Carts) => carts.put(...given)),
  fc.tuple(session, sku).map((given) => (carts: Carts) => carts.remove(...given)),
  session.map((name) => (carts: Carts) => carts.list(name).items.length > 0 && carts.checkout(name)),
);

test('after any changes the digests kept by them are those of the carts', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const carts = start();
      for (const apply of changes) apply(carts);
      expect(carts.recompute()).toBe(carts.expected());
    }),
  );
});
