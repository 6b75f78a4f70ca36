import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Picture } from './picture.ts';
import { blockValues, readBlocks, tilesOf, widen, writePixels } from './tiles.ts';

/** A picture whose red and green are the place of each pixel. */
function places(width: number, height: number): Picture {
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 255][i % 3] ?? 0;
  });
  return { width, height, rgb };
}

test('a block holds its four pixels; outside of the picture the rim is repeated', () => {
  const blocks = readBlocks(places(3, 2), { column: 0, row: 0, side: 2 });
  const bytes = [...blocks].map((value) => Math.round(value * 255));
  expect(bytes.slice(0, blockValues)).toEqual([0, 0, 255, 1, 0, 255, 0, 1, 255, 1, 1, 255]);
  expect(bytes.slice(blockValues, 2 * blockValues)).toEqual([2, 0, 255, 2, 0, 255, 2, 1, 255, 2, 1, 255]);
  expect(bytes.slice(2 * blockValues, 2 * blockValues + 6)).toEqual([0, 1, 255, 1, 1, 255]);
});

test('widened by a rim, a tile starts earlier and ends later', () => {
  expect(widen({ column: 4, row: 8, side: 4 }, 3)).toEqual({ column: 1, row: 5, side: 10 });
});

test('tiles write each pixel of the small picture once', () => {
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(size, size, fc.integer({ min: 1, max: 12 }), (width, height, side) => {
      const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
      const small = { width: halfWidth, height: halfHeight, rgb: new Uint8Array(halfWidth * halfHeight * 3) };
      for (const tile of tilesOf({ width, height }, side)) {
        const blocks = readBlocks(places(width, height), tile);
        const topLeft = blocks.filter((_, i) => i % blockValues < 3);
        writePixels(small, tile, topLeft);
      }
      const expected = Uint8Array.from(places(halfWidth, halfHeight).rgb, (byte, i) => (i % 3 < 2 ? byte * 2 : byte));
      expect(small.rgb).toEqual(expected);
    }),
  );
});
