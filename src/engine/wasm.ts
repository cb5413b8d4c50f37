// TensorFlow.js' WebAssembly backend, with the one kernel that it lacks for convolutional networks.
import { createRequire } from "node:module";
import { tf } from "./compiled/index.js";

type Inputs = { readonly x: tf.TensorInfo; readonly dy: tf.TensorInfo };
type Attributes = {
  readonly filterShape: [number, number, number, number];
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
};

/** Registers the backend `wasm`. */
export function loadWasm(): void {
  createRequire(import.meta.url)("@tensorflow/tfjs-backend-wasm");
  tf.registerKernel({
    kernelName: tf.Conv2DBackpropFilter,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }) => filterGradient(inputs as Inputs, attrs as Partial<Attributes> as Attributes),
  });
}

/** The gradient of a convolution for its kernel: a matrix product for each place of the kernel. */
function filterGradient({ x, dy }: Inputs, { filterShape, strides, pad }: Attributes): tf.Tensor {
  const info = tf.backend_util.computeConv2DInfo(x.shape as never, filterShape, strides, 1, pad);
  const { batchSize, outHeight, outWidth, inChannels, outChannels, strideHeight, strideWidth, padInfo } = info;
  const { top, bottom, left, right } = padInfo;
  const places = batchSize * outHeight * outWidth;
  const tensor = (info: tf.TensorInfo) => tf.engine().makeTensorFromTensorInfo(info);
  return tf.tidy(() => {
    const gradients = tf.reshape(tensor(dy), [places, outChannels]) as tf.Tensor2D;
    const padded = tf.pad(tensor(x), [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
    const products: tf.Tensor[] = [];
    for (let row = 0; row < info.filterHeight; row++) {
      for (let column = 0; column < info.filterWidth; column++) {
        const end = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
        const seen = tf.stridedSlice(
          padded,
          [0, row, column, 0],
          [batchSize, ...end, inChannels],
          [1, strideHeight, strideWidth, 1],
        );
        products.push(tf.matMul(tf.reshape(seen, [places, inChannels]) as tf.Tensor2D, gradients, true));
      }
    }
    return tf.reshape(tf.stack(products), filterShape);
  });
}
