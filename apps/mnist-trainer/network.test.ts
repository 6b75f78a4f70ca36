import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../shared/random.ts';
import { type Digits, side } from './digits.ts';
import { createNetwork } from './network.ts';

/** Images that only a place tells apart: each digit is a bright spot somewhere else. */
function spots(count: number, seed: number): Digits {
  const random = createRandom(seed);
  const pixels = new Uint8Array(count * side ** 2);
  const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * 10));
  for (const [i, label] of labels.entries()) {
    const corner = i * side ** 2 + (2 + (label % 5) * 5) * side + 4 + Math.floor(label / 5) * 12;
    for (let dot = 0; dot < 16; dot += 1) pixels[corner + (dot & 3) * side + (dot >> 2)] = 155 + random() * 100;
  }
  return { count, pixels, labels };
}

test('learns what it is shown, and the same seed learns the same', async () => {
  const [one, twin] = [await createNetwork(1, 0.005), await createNetwork(1, 0.005)];
  expect(await one.digest()).toBe(await twin.digest());
  const first = await one.train(spots(32, 1));
  await twin.train(spots(32, 1));
  expect(await one.digest()).toBe(await twin.digest());
  for (let step = 2; step < 60; step += 1) await one.train(spots(32, step));
  expect(await one.train(spots(32, 60))).toBeLessThan(first / 4);
  expect(one.accuracy(spots(100, 99))).toBeGreaterThan(0.9);
  expect(await one.digest()).not.toBe(await twin.digest());
}, 60_000);

test('the gradient of filters on wasm is what small changes of each weight do', async () => {
  await createNetwork(1, 0.001); // sets the backend and the gradient up
  const images = tf.randomNormal<tf.Rank.R4>([2, 6, 5, 2], 0, 1, 'float32', 1);
  const filters = tf.randomNormal<tf.Rank.R4>([3, 3, 2, 3], 0, 1, 'float32', 2);
  const weigh = tf.randomNormal([2, 4, 3, 3], 0, 1, 'float32', 3);
  const sum = (given: tf.Tensor) =>
    tf.sum(tf.mul(tf.conv2d(images, given as tf.Tensor4D, 1, 'valid'), weigh)) as tf.Scalar;
  const gradient = tf.grad(sum)(filters).dataSync();
  const values = filters.dataSync();
  for (const i of [0, 7, 30, values.length - 1]) {
    const nudged = (by: number) =>
      sum(
        tf.tensor4d(
          values.map((value, at) => value + (at === i ? by : 0)),
          [3, 3, 2, 3],
        ),
      );
    const slope = (nudged(0.5).dataSync()[0] ?? 0) - (nudged(-0.5).dataSync()[0] ?? 0); // linear: any step will do
    expect(gradient[i]).toBeCloseTo(slope, 3);
  }
});
