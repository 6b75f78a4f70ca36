import * as tf from '@tensorflow/tfjs-core';
import { type Part, weightShapes } from './network.ts';

/** The learned weights as JSON: for each part, little-endian 32-bit floats in base64, in the order of `weightShapes`. */
export function encodeWeights(weights: Readonly<Record<Part, readonly tf.Tensor[]>>): string {
  const parts = Object.entries(weights).map(([part, tensors]) => {
    const floats = tensors.flatMap((tensor) => [...tensor.dataSync()]);
    return [part, Buffer.from(Float32Array.from(floats).buffer).toString('base64')];
  });
  return `${JSON.stringify(Object.fromEntries(parts), null, 2)}\n`;
}

/** Throws where there are more or fewer weights than the network has. */
export function decodeWeights(encoded: Readonly<Record<Part, string>>, part: Part): tf.Tensor[] {
  const bytes = Buffer.from(encoded[part], 'base64');
  const floats = Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  let at = 0;
  const tensors = weightShapes(part).map((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    at += size;
    return tf.tensor(floats.slice(at - size, at), shape);
  });
  if (at !== floats.length) throw new Error(`${part}: expected ${at} weights, got ${floats.length}`);
  return tensors;
}
