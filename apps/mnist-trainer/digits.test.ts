import { expect, test } from 'vitest';
import { epochOrder, pick, readDigits, side, slice } from './digits.ts';

function idx(magic: number, sizes: number[], values: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  for (const [i, value] of [magic, ...sizes].entries()) header.writeUInt32BE(value, 4 * i);
  return Buffer.concat([header, values]);
}

/** Images each filled with its own number. */
function files(count: number): [Uint8Array, Uint8Array] {
  const pixels = Uint8Array.from({ length: count * side ** 2 }, (_, i) => Math.floor(i / side ** 2));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  return [idx(0x803, [count, side, side], pixels), idx(0x801, [count], labels)];
}

test('reads images and labels, and takes out some of them', () => {
  const digits = readDigits(...files(12));
  expect([digits.count, digits.pixels.length, digits.labels[11]]).toEqual([12, 12 * 784, 1]);
  const part = slice(digits, 4, 7);
  expect([part.count, part.pixels[0], part.pixels.at(-1), [...part.labels]]).toEqual([3, 4, 6, [4, 5, 6]]);
  const picked = pick(digits, [11, 2]);
  expect([picked.pixels[0], picked.pixels[784], [...picked.labels]]).toEqual([11, 2, [1, 2]]);
});

test.each([
  ['other files', () => [files(3)[1], files(3)[0]], 'images: expected an IDX file'],
  ['too few labels', () => [files(3)[0], files(2)[1]], 'as many labels as images, got 2 and 3'],
  ['a cut file', () => [files(3)[0].subarray(0, 1000), files(3)[1]], 'images: expected 3, got 984 bytes'],
  ['other sizes', () => [idx(0x803, [1, 2, 2], new Uint8Array(4)), files(1)[1]], 'expected 28 × 28, got 2 × 2'],
] as const)('refuses %s', (_, given, message) => {
  const [images, labels] = given() as [Uint8Array, Uint8Array];
  expect(() => readDigits(images, labels)).toThrow(message);
});

test('an epoch shows each digit once, in an order of its own that never changes', () => {
  const order = epochOrder(500, 3);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  expect(order).toEqual(epochOrder(500, 3));
  expect(order).not.toEqual(epochOrder(500, 4));
});
