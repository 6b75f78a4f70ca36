import * as tf from '@tensorflow/tfjs-core';
import { blockValues } from './tiles.ts';

const features = 16;
const kernel = 3;

/** Inputs and outputs of a network's three convolutions. */
const shapes = {
  /** From blocks to one pixel for each. */
  reduce: [blockValues, features, features, 3],
  /** And back; used to learn only. */
  restore: [3, features, features, blockValues],
} as const;

export type Part = keyof typeof shapes;

/** Blocks that a network needs around those that it gives values for: its convolutions are not padded. */
export const rim = 3;

/** Filters and biases of the three convolutions, one after the other. */
export function weightShapes(part: Part): number[][] {
  const widths = shapes[part];
  return widths.slice(1).flatMap((outputs, i) => [[kernel, kernel, widths[i] ?? 0, outputs], [outputs]]);
}

/**
 * Shrinks a batch of tiles of blocks to a pixel a block: the mean of the block, which alone would lose all detail, plus
 * what the network has learned to keep of it.
 */
export function reduce(blocks: tf.Tensor4D, weights: readonly tf.Tensor[]): tf.Tensor4D {
  const [count, height, width] = blocks.shape;
  const pixels = tf.reshape(crop(blocks, rim), [count, height - 2 * rim, width - 2 * rim, 4, 3]);
  return tf.clipByValue(tf.add(tf.mean(pixels, 3), convolve(blocks, weights)), 0, 1) as tf.Tensor4D;
}

/** The learned inverse: each pixel four times, plus the detail that the network finds in its neighbours. */
export function restore(pixels: tf.Tensor4D, weights: readonly tf.Tensor[]): tf.Tensor4D {
  return tf.add(tf.tile(crop(pixels, rim), [1, 1, 1, 4]), convolve(pixels, weights));
}

/** Cuts `by` blocks off on each side. */
export function crop(tiles: tf.Tensor4D, by: number): tf.Tensor4D {
  const [count, height, width, values] = tiles.shape;
  return tf.slice(tiles, [0, by, by, 0], [count, height - 2 * by, width - 2 * by, values]);
}

function convolve(input: tf.Tensor4D, weights: readonly tf.Tensor[]): tf.Tensor4D {
  const [filters1, bias1, filters2, bias2, filters3, bias3] = weights as tf.Tensor4D[];
  if (!filters1 || !bias1 || !filters2 || !bias2 || !filters3 || !bias3) throw new Error('expected six weights');
  const first = tf.relu(tf.add(tf.conv2d(input, filters1, 1, 'valid'), bias1)) as tf.Tensor4D;
  const second = tf.relu(tf.add(tf.conv2d(first, filters2, 1, 'valid'), bias2)) as tf.Tensor4D;
  return tf.add(tf.conv2d(second, filters3, 1, 'valid'), bias3);
}
