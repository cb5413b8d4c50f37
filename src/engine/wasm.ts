// Loads the wasm backend of TensorFlow.js and adds the kernel missing for convolution gradients.
import { createRequire } from "node:module";
import { geometryOf, partsOf, pixelIndices, positive } from "./compiled/convolution.js";
import { tf } from "./compiled/tf.js";

const BACKEND = "wasm";

/** @throws Error if the backend is not installed */
export function loadWasm(): void {
  createRequire(import.meta.url)("@tensorflow/tfjs-backend-wasm");
  const kernelName = tf.Conv2DBackpropFilter;
  if (tf.getKernel(kernelName, BACKEND)) return;
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, attrs }) => {
      const { x, dy } = inputs as Record<string, tf.Tensor4D>;
      return tf.tidy(() =>
        filterGradient(x, dy, attrs as Partial<tf.Conv2DBackpropFilterAttrs> as tf.Conv2DBackpropFilterAttrs),
      );
    },
  });
}

/**
 * The gradient with respect to the filter: (pixels below each filter position)ᵀ · dy. An explicit transpose is faster
 * than the backend's matMul with `transposeA`.
 */
function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, attributes: tf.Conv2DBackpropFilterAttrs): tf.Tensor {
  const { filterShape } = attributes;
  const { outShape, strides, start, end } = geometryOf(x.shape, filterShape, attributes);
  const sides = [0, 1].map((i): [number, number] => [start[i], positive(end[i])]);
  const padded = tf.pad(x, [[0, 0], ...sides, [0, 0]]);
  const [batch, height, width, channels] = padded.shape;
  const [, outHeight, outWidth] = outShape;
  const [filterHeight, filterWidth, , filters] = filterShape;
  const indices = pixelIndices([outHeight, outWidth], [filterHeight, filterWidth], strides, width);
  const index = tf.tensor1d(indices, "int32");
  const size = filterHeight * filterWidth * channels;
  const parts = partsOf(batch, 4 * outHeight * outWidth * size);
  const gradients = tf.split(dy, parts);
  const products = tf.split(tf.reshape(padded, [batch, height * width, channels]), parts).map((pixels, part) =>
    tf.tidy(() => {
      const rows = tf.reshape(tf.gather(pixels, index, 1), [-1, size]);
      return tf.matMul(tf.transpose(rows), tf.reshape(gradients[part], [-1, filters]));
    }),
  );
  return tf.reshape(
    products.reduce((sum, product) => tf.add(sum, product)),
    filterShape,
  );
}
