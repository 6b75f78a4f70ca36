import { expect, test } from 'vitest';
import { NodeClocks } from './clocks.ts';

test('the quickest answer tells the offset; half its round trip is the error', () => {
  const clocks = new NodeClocks();
  clocks.note('source', { sentAt: 1000, roundTripMs: 40, nodeAt: 6100 });
  clocks.note('source', { sentAt: 2000, roundTripMs: 4, nodeAt: 7002 });
  clocks.note('source', { sentAt: 3000, roundTripMs: 900, nodeAt: 9000 });
  expect(clocks.snapshot()).toEqual({ source: { offsetMs: 5000, errorMs: 2 } });
});

test('a time is brought to the clock of the node, as far as that is known', () => {
  const clocks = new NodeClocks();
  clocks.note('target', { sentAt: 1000, roundTripMs: 1, nodeAt: 400.5 });
  expect(clocks.toNode('target', 10_000)).toBe(9400);
  expect(clocks.toNode('source', 10_000)).toBe(10_000);
});
