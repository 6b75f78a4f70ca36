import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { crop, reduce, restore, rim } from './network.ts';
import { paintPicture } from './picture.ts';
import { createReducer } from './reducer.ts';
import { blockValues, readBlocks } from './tiles.ts';
import learned from './weights.json' with { type: 'json' };
import { decodeWeights, encodeWeights } from './weights.ts';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('wasm');
});

/** Peak signal-to-noise ratio in dB: higher is closer. */
function psnr(one: tf.Tensor, other: tf.Tensor): number {
  return -10 * Math.log10(tf.losses.meanSquaredError(one, other).dataSync()[0] ?? 1);
}

test('the learned reduction lets more be restored than the plain mean does, of pictures that it never learned from', () => {
  const side = 64;
  const gains = [1, 2, 3, 4].map((seed) => {
    const picture = paintPicture(seed, side * 2);
    const blocks = tf.tensor4d(readBlocks(picture, { column: 0, row: 0, side }), [1, side, side, blockValues]);
    const small = reduce(blocks, decodeWeights(learned, 'reduce'));
    const restored = restore(small, decodeWeights(learned, 'restore'));
    const inner = side - 4 * rim;
    const plain = tf.mean(tf.reshape(crop(blocks, 2 * rim), [1, inner, inner, 4, 3]), 3);
    const original = crop(blocks, 2 * rim);
    return psnr(original, restored) - psnr(original, tf.tile(plain as tf.Tensor4D, [1, 1, 1, 4]));
  });
  expect(Math.min(...gains)).toBeGreaterThan(1.5); // dB; untrained it is 0
});

test('a picture comes out at half its size, looking as before, the same whatever the tiles', async () => {
  const picture = paintPicture(7, 301);
  const small = await createReducer(decodeWeights(learned, 'reduce')).halve(picture);
  expect([small.width, small.height]).toEqual([151, 151]);
  const mean = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;
  expect(Math.abs(mean(small.rgb) - mean(picture.rgb))).toBeLessThan(3);

  const one = readBlocks(picture, { column: -rim, row: -rim, side: 151 + 2 * rim });
  const whole = reduce(tf.tensor4d(one, [1, 157, 157, blockValues]), decodeWeights(learned, 'reduce')).dataSync();
  expect(small.rgb).toEqual(Uint8Array.from(whole, (value) => Math.round(value * 255)));
});

test('weights survive being written, and a wrong number of them is refused', () => {
  const weights = { reduce: decodeWeights(learned, 'reduce'), restore: decodeWeights(learned, 'restore') };
  expect(JSON.parse(encodeWeights(weights))).toEqual(learned);
  expect(() => decodeWeights({ ...learned, reduce: learned.restore }, 'reduce')).toThrow('reduce: expected');
});

test('the digest tells changed weights', () => {
  const weights = decodeWeights(learned, 'reduce');
  const digest = createReducer(weights).digest();
  expect(createReducer(decodeWeights(learned, 'reduce')).digest()).toBe(digest);
  expect(createReducer(weights.with(1, tf.ones([16]))).digest()).not.toBe(digest);
});
