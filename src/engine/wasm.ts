// Loads the wasm backend of TensorFlow.js and adds the kernel that it lacks for training convolutions.
import { createRequire } from "node:module";
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

/** For each position of the filter: (the pixels that it meets)ᵀ · dy. */
function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, attributes: tf.Conv2DBackpropFilterAttrs): tf.Tensor {
  const { filterShape, strides, pad, dataFormat, dimRoundingMode } = attributes;
  if (dataFormat !== "NHWC") throw new Error("The wasm engine convolves images with channels last (NHWC) alone");
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
  const { batchSize, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
  const { top, bottom, left, right } = padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const [height, width, channels, filters] = filterShape;
  const gradients = tf.reshape(dy, [-1, filters]);
  const products = Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    const end = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
    const steps = [1, strideHeight, strideWidth, 1];
    const pixels = tf.stridedSlice(padded, [0, row, column, 0], [batchSize, ...end, channels], steps);
    return tf.matMul(tf.reshape(pixels, [-1, channels]), gradients, true);
  });
  return tf.reshape(tf.concat(products, 0), filterShape);
}
