import { expect, test } from 'vitest';
import { parseQuantity } from './quantity.ts';

test.each([
  ['250m', 0.25],
  ['2', 2],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['100Mi', 104_857_600],
  ['1Gi', 2 ** 30],
  ['1G', 1e9],
  ['2e3', 2000],
  ['3E', 3e18],
  ['1E2', 100],
  ['5n', 5e-9],
  ['', undefined],
  ['Gi', undefined],
  ['1 Gi', undefined],
  ['1KB', undefined],
  ['many', undefined],
])('%j is %s', (text, expected) => {
  expect(parseQuantity(text)).toEqual(expected);
});
