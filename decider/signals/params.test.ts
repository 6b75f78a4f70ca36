import { expect, test } from 'vitest';
import { policyOf } from '../fixtures.ts';
import { lookBackMs } from './params.ts';

test.each([
  ['a time constant, where samples come fast', '{ signals: { timeConstant: 10s } }', 1000, 10_000],
  ['the hold and the samples that may be missing, where they come slowly', '{}', 60_000, 480_000],
  ['all that a detector looks back on', '{ overload: { detector: MAD } }', 10_000, 330_000],
])('looks back on %s', (_, spec, intervalMs, expected) => {
  expect(lookBackMs(policyOf(spec).spec, intervalMs)).toBe(expected);
});
