import * as tf from '@tensorflow/tfjs-core';

/**
 * The one kernel of training that the wasm backend of TensorFlow.js 4.22 lacks, for a stride of 1 without padding: how
 * much each weight of a filter has to do with the error is again a convolution, of the inputs with the error, summed
 * over the batch.
 */
export const filterGradient: tf.KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs }) =>
    tf.tidy(() => {
      const images = tf.transpose(inputs.x as tf.Tensor4D, [3, 1, 2, 0]);
      const error = tf.transpose(inputs.dy as tf.Tensor4D, [1, 2, 0, 3]);
      return tf.transpose(tf.conv2d(images, error, 1, 'valid'), [1, 2, 0, 3]);
    }),
};
