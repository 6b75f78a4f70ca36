import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { work } from './work.ts';

test('the same work gives the same digest, more work another', () => {
  expect(work('a', 0)).toBe('a');
  expect(work('a', 0.002)).toBe(createHash('sha256').update('a').digest('hex'));
  expect(work('a', 1)).toBe(work('a', 1));
  expect(new Set([work('a', 1), work('a', 2), work('b', 1)]).size).toBe(3);
});
