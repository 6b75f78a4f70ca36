// Learns the weights of image-reduction and writes them beside this file: node apps/image-reduction/train.ts [STEPS]
// Pictures, first weights and order come from fixed seeds, so that everybody learns the same weights.
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers'; // for the gradients that it registers
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { filterGradient } from '../shared/filter-gradient.ts';
import { crop, type Part, reduce, restore, rim, weightShapes } from './network.ts';
import { paintPicture } from './picture.ts';
import { blockValues, readBlocks } from './tiles.ts';
import { encodeWeights } from './weights.ts';

const side = 32; // blocks of a lesson
const batch = 8;
const lookAlike = 0.2; // how much the small picture has to look like the plain mean, against being restorable

tf.registerKernel(filterGradient);
tf.enableProdMode();
await tf.setBackend('wasm');

const steps = Number(process.argv[2] ?? 1500);
const weights: Record<Part, tf.Variable[]> = { reduce: start('reduce', 1), restore: start('restore', 100) };
const optimizer = tf.train.adam(0.002);

for (let step = 1; step <= steps; step += 1) {
  const loss = tf.tidy(() => optimizer.minimize(() => lossOf(lessons(step)), true)?.dataSync()[0]);
  if (step % 50 === 0) console.error(`step ${step} of ${steps}, loss ${loss?.toFixed(5)}`);
}
await writeFile(join(import.meta.dirname, 'weights.json'), encodeWeights(weights));

/** He initialisation; the last convolution starts at zero, so that learning begins at the plain mean. */
function start(part: Part, seed: number): tf.Variable[] {
  const shapes = weightShapes(part);
  return shapes.map((shape, i) => {
    if (shape.length === 1 || i === shapes.length - 2) return tf.variable(tf.zeros(shape));
    const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    return tf.variable(tf.truncatedNormal(shape, 0, Math.sqrt(2 / inputs), 'float32', seed + i));
  });
}

function lessons(step: number): tf.Tensor4D {
  const tiles = Array.from({ length: batch }, (_, i) => {
    return readBlocks(paintPicture(1000 + step * batch + i, side * 2), { column: 0, row: 0, side });
  });
  return tf.tensor4d(Float32Array.from(tiles.flatMap((tile) => [...tile])), [batch, side, side, blockValues]);
}

/** The mean squared error of the restored blocks, and a little of how far the small picture is off the plain one. */
function lossOf(blocks: tf.Tensor4D): tf.Scalar {
  const small = reduce(blocks, weights.reduce);
  const plain = tf.mean(tf.reshape(crop(blocks, rim), [batch, side - 2 * rim, side - 2 * rim, 4, 3]), 3);
  const restored = restore(small, weights.restore);
  const error = tf.losses.meanSquaredError(crop(blocks, 2 * rim), restored);
  const strangeness = tf.losses.meanSquaredError(plain, small);
  return tf.add(error, tf.mul(strangeness, lookAlike));
}
