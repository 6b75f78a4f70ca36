import '@tensorflow/tfjs-backend-wasm';
import { hash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { filterGradient } from '../shared/filter-gradient.ts';
import { type Digits, side } from './digits.ts';

const classes = 10;

/** A small convolutional network that learns to read digits. */
export interface Network {
  /** Learns from a batch; the mean cross entropy before the step. */
  train(batch: Digits): Promise<number>;
  /** The share of the digits that it reads right. */
  accuracy(digits: Digits): number;
  /** Of all weights and of the optimizer's moments. */
  digest(): Promise<string>;
}

/** Two convolutions with pooling and a dense layer, 5 258 weights, Adam; the same seed learns the same. */
export async function createNetwork(seed: number, learningRate: number): Promise<Network> {
  tf.registerKernel(filterGradient);
  tf.enableProdMode();
  await tf.setBackend('wasm');
  const kernelInitializer = (layer: number) => initializers.heNormal({ seed: seed + layer });
  const model = sequential({
    layers: [
      layers.conv2d({
        inputShape: [side, side, 1],
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: kernelInitializer(0),
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', kernelInitializer: kernelInitializer(1) }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: classes, activation: 'softmax', kernelInitializer: kernelInitializer(2) }),
    ],
  });
  const optimizer = tf.train.adam(learningRate);
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });

  return {
    async train(batch) {
      const [images, labels] = [imagesOf(batch), tf.tensor1d(batch.labels, 'float32')];
      const loss = await model.trainOnBatch(images, labels);
      tf.dispose([images, labels]);
      return Number(loss);
    },
    accuracy: (digits) =>
      tf.tidy(() => {
        const read = tf.argMax(model.predict(imagesOf(digits)) as tf.Tensor, 1).dataSync();
        return digits.labels.filter((label, i) => label === read[i]).length / digits.count;
      }),
    async digest() {
      const moments = (await optimizer.getWeights()).map(({ tensor }) => tensor);
      const values = [...model.getWeights(), ...moments].map((tensor) => tensor.dataSync());
      return hash(
        'sha256',
        Buffer.concat(values.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
      );
    },
  };
}

function imagesOf({ count, pixels }: Digits): tf.Tensor4D {
  return tf.tensor4d(
    Float32Array.from(pixels, (byte) => byte / 255),
    [count, side, side, 1],
  );
}
