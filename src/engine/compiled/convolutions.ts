// Convolutions in ONNX. TensorFlow.js keeps the channels of a pixel side by side (NHWC), ONNX keeps planes (NCHW).
import type { TraceBackend } from "./backend.js";
import { tf } from "./tf.js";

type Info = tf.backend_util.Conv2DInfo;

/** Between the layouts, of images and of kernels. */
const TO_PLANES = [0, 3, 1, 2];
const TO_PIXELS = [0, 2, 3, 1];
/** [height, width, in, out] to [out, in, height, width], and back. */
const FILTER_TO_ONNX = [3, 2, 0, 1];

/** The attributes of all three kernels. */
export interface ConvAttrs {
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat: "NHWC" | "NCHW";
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
  readonly dilations?: [number, number] | number;
}

/** @throws Error unless the layout is NHWC and the kernel has no gaps */
export function convInfo(
  inShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dataFormat, dimRoundingMode, dilations = 1 }: ConvAttrs,
): Info {
  if (dataFormat !== "NHWC") throw new Error("The compiled engine has convolutions of NHWC images only");
  if ([dilations].flat().some((dilation) => dilation !== 1)) {
    throw new Error("The compiled engine has no dilated convolutions");
  }
  return tf.backend_util.computeConv2DInfo(
    inShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
  );
}

/** x ∗ filter. */
export function conv2d(trace: TraceBackend, x: tf.TensorInfo, filter: tf.TensorInfo, info: Info): tf.TensorInfo {
  const planes = transpose(trace, trace.whole(x), TO_PLANES);
  const weights = transpose(trace, trace.whole(filter), FILTER_TO_ONNX);
  const y = trace.graph.node("Conv", [planes, weights], attributesOf(info));
  return trace.result(transpose(trace, y, TO_PIXELS), info.outShape);
}

/** The gradient of `conv2d` for its input, which is also the transposed convolution. */
export function conv2dInput(trace: TraceBackend, dy: tf.TensorInfo, filter: tf.TensorInfo, info: Info): tf.TensorInfo {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, padInfo } =
    info;
  const planes = transpose(trace, trace.whole(dy), TO_PLANES);
  const weights = transpose(trace, trace.whole(filter), FILTER_TO_ONNX);
  // What the last step of the convolution did not reach.
  const left = (size: number, padding: number, out: number, stride: number, kernel: number) =>
    size + padding - ((out - 1) * stride + kernel);
  const x = trace.graph.node("ConvTranspose", [planes, weights], {
    ...attributesOf(info),
    output_padding: [
      left(inHeight, padInfo.top + padInfo.bottom, outHeight, strideHeight, filterHeight),
      left(inWidth, padInfo.left + padInfo.right, outWidth, strideWidth, filterWidth),
    ],
  });
  return trace.result(transpose(trace, x, TO_PIXELS), info.inShape);
}

/** The gradient of `conv2d` for its kernel: the sum over images of patches, times gradients of what they gave. */
export function conv2dFilter(trace: TraceBackend, x: tf.TensorInfo, dy: tf.TensorInfo, info: Info): tf.TensorInfo {
  const { batchSize: N, inChannels: C, outChannels: F, outHeight, outWidth, filterHeight, filterWidth } = info;
  const { graph } = trace;
  const patches = patchesOf(trace, transpose(trace, trace.whole(x), TO_PLANES), info); // [N, places, kernel·C]
  const places = outHeight * outWidth;
  const gradients = graph.node("Reshape", [trace.whole(dy), trace.integers([N, places, F])]);
  const turned = transpose(trace, gradients, [0, 2, 1]);
  const each = graph.node("MatMul", [turned, patches]); // [N, F, C·kernel]
  const sum = graph.node("ReduceSum", [each, trace.integers([0])], { keepdims: 0 });
  const filter = graph.node("Reshape", [sum, trace.integers([F, C, filterHeight, filterWidth])]);
  return trace.result(transpose(trace, filter, [2, 3, 1, 0]), info.filterShape);
}

/** The numbers under the kernel at each of its places: planes [N, C, H, W] to [N, places, C·kernel]. */
function patchesOf(trace: TraceBackend, planes: string, info: Info): string {
  const { batchSize: N, inChannels: C, inHeight, inWidth, outHeight, outWidth } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const { top, bottom, left, right } = padInfo;
  const [height, width] = [inHeight + top + bottom, inWidth + left + right];
  const from = new Int32Array(outHeight * outWidth * C * filterHeight * filterWidth);
  let at = 0;
  for (let row = 0; row < outHeight; row++)
    for (let column = 0; column < outWidth; column++)
      for (let channel = 0; channel < C; channel++)
        for (let i = 0; i < filterHeight; i++)
          for (let j = 0; j < filterWidth; j++)
            from[at++] = (channel * height + row * strideHeight + i) * width + column * strideWidth + j;
  const { graph } = trace;
  const isPadded = top + bottom + left + right > 0;
  const padded = isPadded
    ? graph.node("Pad", [planes, trace.integers([0, 0, top, left, 0, 0, bottom, right])])
    : planes;
  const flat = graph.node("Reshape", [padded, trace.integers([N, C * height * width])]);
  const gathered = graph.node("Gather", [flat, graph.constant("int32", from, [from.length])], { axis: 1 });
  const shape = [N, outHeight * outWidth, C * filterHeight * filterWidth];
  return graph.node("Reshape", [gathered, trace.integers(shape)]);
}

function attributesOf({ strideHeight, strideWidth, filterHeight, filterWidth, padInfo }: Info) {
  const { top, left, bottom, right } = padInfo;
  return {
    strides: [strideHeight, strideWidth],
    pads: [top, left, bottom, right],
    kernel_shape: [filterHeight, filterWidth],
  };
}

function transpose({ graph }: TraceBackend, value: string, perm: readonly number[]): string {
  return graph.node("Transpose", [value], { perm });
}
