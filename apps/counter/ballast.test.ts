import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createBallast } from './ballast.ts';

const mib = 1 << 20;

test('the memory adds up to its digest, before and after writes, in windows and as a whole', async () => {
  const ballast = createBallast(20 * mib, 42);
  expect(ballast.pages).toBe(20 * 256);
  for (let round = 0; round < 4; round += 1) {
    const before = ballast.expected();
    ballast.dirty(3000);
    expect(ballast.expected()).not.toBe(before);
    expect(await ballast.recompute('window')).toBe(ballast.expected());
    expect(await ballast.recompute('all')).toBe(ballast.expected());
  }
});

test('writes between the slices of a whole check do not look like damage', async () => {
  const ballast = createBallast(32 * mib, 42);
  const check = ballast.recompute('all');
  ballast.dirty(8192);
  expect(await check).toBe(ballast.expected());
});

test('a flipped bit is found', async () => {
  const ballast = createBallast(mib, 42);
  const words = ballast.words();
  words[12_345] = (words[12_345] ?? 0) ^ 1;
  expect(await ballast.recompute('window')).not.toBe(ballast.expected());
});

test('the memory does not compress', () => {
  const bytes = Buffer.from(createBallast(mib, 42).words().buffer);
  expect(deflateRawSync(bytes, { level: 6 }).length).toBeGreaterThan(0.99 * mib);
});

test('no memory at all is fine', async () => {
  const ballast = createBallast(0, 42);
  ballast.dirty(10);
  expect(await ballast.recompute('window')).toBe(ballast.expected());
});
