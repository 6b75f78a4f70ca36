import { expect, test } from 'vitest';
import { paintPicture } from './picture.ts';

test('a number always gives the same picture, another number another one', () => {
  expect(paintPicture(5, 64)).toEqual(paintPicture(5, 64));
  expect(paintPicture(5, 64).rgb).not.toEqual(paintPicture(6, 64).rgb);
});

test('hardly anything of the canvas stays bare, and edges are many', () => {
  const { width, rgb } = paintPicture(5, 128);
  const bare = rgb.filter((byte) => byte === 0).length / rgb.length;
  const edges = rgb.filter((byte, i) => Math.abs(byte - (rgb[i + 3 * width] ?? byte)) > 30).length / rgb.length;
  expect(bare).toBeLessThan(0.05);
  expect(edges).toBeGreaterThan(0.03);
});
