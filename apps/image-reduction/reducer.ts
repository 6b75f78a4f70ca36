import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { reduce, rim } from './network.ts';
import type { Picture } from './picture.ts';
import { blockValues, readBlocks, type Tile, tilesOf, widen, writePixels } from './tiles.ts';

const tileSide = 64; // blocks: some 10 MiB of memory and 20 ms of a core, however large the picture

export interface Reducer {
  /** The picture at half its width and height (rounded up). Between tiles it lets others run. */
  halve(picture: Picture): Promise<Picture>;
  /** Of the weights as they are in memory. */
  digest(): string;
}

export function createReducer(weights: readonly tf.Tensor[]): Reducer {
  function pixelsOf(picture: Picture, tile: Tile): Float32Array {
    const { side, ...place } = widen(tile, rim);
    return tf.tidy(() => {
      const blocks = tf.tensor4d(readBlocks(picture, { side, ...place }), [1, side, side, blockValues]);
      return reduce(blocks, weights).dataSync<'float32'>();
    });
  }

  return {
    async halve(picture) {
      const [width, height] = [Math.ceil(picture.width / 2), Math.ceil(picture.height / 2)];
      const small = { width, height, rgb: new Uint8Array(width * height * 3) };
      for (const tile of tilesOf(picture, tileSide)) {
        writePixels(small, tile, pixelsOf(picture, tile));
        await setImmediate();
      }
      return small;
    },
    digest: () =>
      hash('sha256', Buffer.from(Float32Array.from(weights.flatMap((tensor) => [...tensor.dataSync()])).buffer)),
  };
}
