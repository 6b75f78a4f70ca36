import type { Picture } from './picture.ts';

/** Values of a block: 2 × 2 pixels of three colours, in the order top left, top right, bottom left, bottom right. */
export const blockValues = 12;

/** A square of blocks, `column` and `row` being the place of its first one; it may reach over the picture's rim. */
export interface Tile {
  readonly column: number;
  readonly row: number;
  readonly side: number;
}

/** Squares of `side` blocks that cover a picture, the last of a row or column reaching beyond it. */
export function* tilesOf({ width, height }: { width: number; height: number }, side: number): Generator<Tile> {
  for (let row = 0; row < height / 2; row += side) {
    for (let column = 0; column < width / 2; column += side) yield { column, row, side };
  }
}

/** The same square with `rim` blocks more on each side. */
export function widen({ column, row, side }: Tile, rim: number): Tile {
  return { column: column - rim, row: row - rim, side: side + 2 * rim };
}

/** The blocks of a tile, as values from 0 to 1; what lies outside of the picture repeats its nearest pixel. */
export function readBlocks({ width, height, rgb }: Picture, { column, row, side }: Tile): Float32Array {
  const blocks = new Float32Array(side * side * blockValues);
  for (let y = 0; y < side * 2; y += 1) {
    const line = clamp(row * 2 + y, height - 1) * width;
    for (let x = 0; x < side * 2; x += 1) {
      const from = (line + clamp(column * 2 + x, width - 1)) * 3;
      const to = ((y >> 1) * side + (x >> 1)) * blockValues + ((y & 1) * 2 + (x & 1)) * 3;
      for (let channel = 0; channel < 3; channel += 1) blocks[to + channel] = (rgb[from + channel] ?? 0) / 255;
    }
  }
  return blocks;
}

/** Writes a tile of pixels, one for each block, into a picture, leaving out what lies beyond it. */
export function writePixels(
  { width, height, rgb }: Picture,
  { column, row, side }: Tile,
  pixels: ArrayLike<number>,
): void {
  for (let y = 0; y < Math.min(side, height - row); y += 1) {
    for (let x = 0; x < Math.min(side, width - column); x += 1) {
      const [from, to] = [(y * side + x) * 3, ((row + y) * width + column + x) * 3];
      for (let channel = 0; channel < 3; channel += 1) {
        rgb[to + channel] = clamp(Math.round((pixels[from + channel] ?? 0) * 255), 255);
      }
    }
  }
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}
