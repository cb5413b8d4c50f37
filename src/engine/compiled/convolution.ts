// Two-dimensional convolutions in ONNX. TensorFlow.js has images [batch, height, width, channels] and filters
// [height, width, in, out]; ONNX has images [batch, channels, height, width] and filters [out, in, height, width].
import type { TraceBackend } from "./backend.js";
import { tf } from "./tf.js";

type Four = [number, number, number, number];
type Attributes = tf.Conv2DAttrs | tf.Conv2DBackpropInputAttrs | tf.Conv2DBackpropFilterAttrs;

interface Geometry {
  readonly outShape: Four;
  readonly strides: readonly [number, number];
  /** Rows above and columns to the left of the image. */
  readonly start: readonly [number, number];
  /** Rows below and columns to the right. Negative for those that no filter position reaches. */
  readonly end: readonly [number, number];
}

/** @throws Error if the convolution is dilated or its images have channels first */
function geometryOf(x: readonly number[], filter: readonly number[], attributes: Attributes): Geometry {
  const { strides, pad, dataFormat, dimRoundingMode } = attributes;
  const dilations = "dilations" in attributes ? attributes.dilations : 1;
  if (dataFormat !== "NHWC") throw new Error("The compiled engine convolves images with channels last (NHWC) alone");
  if ([dilations].flat().some((dilation) => dilation !== 1)) {
    throw new Error("The compiled engine has no dilated convolutions");
  }
  const info = tf.backend_util.computeConv2DInfo(x as Four, filter as Four, strides, 1, pad, dimRoundingMode);
  const steps = [info.strideHeight, info.strideWidth] as const;
  const start = [info.padInfo.top, info.padInfo.left] as const;
  const [, ...out] = info.outShape;
  const end = [0, 1].map((i) => (out[i] - 1) * steps[i] + filter[i] - x[i + 1] - start[i]);
  return { outShape: info.outShape as Four, strides: steps, start, end: [end[0], end[1]] };
}

export function conv2d(trace: TraceBackend, x: tf.TensorInfo, filter: tf.TensorInfo, attributes: tf.Conv2DAttrs) {
  const { outShape, strides, start, end } = geometryOf(x.shape, filter.shape, attributes);
  const pads = [...start, ...end.map((rows) => Math.max(rows, 0))];
  const inputs = [channelsFirst(trace, x), filtersFirst(trace, filter)];
  return channelsLast(trace, trace.graph.node("Conv", inputs, { strides, pads }), outShape);
}

/** The gradient with regard to the input, which is also the transposed convolution. */
export function conv2dInput(
  trace: TraceBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  attributes: tf.Conv2DBackpropInputAttrs,
) {
  const { inputShape } = attributes;
  const { strides, start, end } = geometryOf(inputShape, filter.shape, attributes);
  const pads = [...start, ...end.map((rows) => Math.max(rows, 0))];
  const output_padding = end.map((rows) => Math.max(-rows, 0));
  const inputs = [channelsFirst(trace, dy), filtersFirst(trace, filter)];
  const name = trace.graph.node("ConvTranspose", inputs, { strides, pads, output_padding });
  return channelsLast(trace, name, inputShape);
}

/** The gradient with regard to the filter: (the pixels below each filter position)ᵀ · dy. */
export function conv2dFilter(
  trace: TraceBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  attributes: tf.Conv2DBackpropFilterAttrs,
) {
  const { graph } = trace;
  const { filterShape } = attributes;
  const { outShape, strides, start, end } = geometryOf(x.shape, filterShape, attributes);
  const [batch, height, width, channels] = x.shape;
  const [filterHeight, filterWidth, , filters] = filterShape;
  const [, outHeight, outWidth] = outShape;
  const after = end.map((rows) => Math.max(rows, 0));
  const pads = [0, ...start, 0, 0, ...after, 0];
  const padded = graph.node("Pad", [trace.whole(x), trace.integers(pads)]);
  const paddedWidth = start[1] + width + after[1];
  const rows = [batch, (start[0] + height + after[0]) * paddedWidth, channels];
  const pixels = graph.node("Reshape", [padded, trace.newShape(rows)]);
  const indices: number[] = [];
  for (let i = 0; i < outHeight; i++) {
    for (let j = 0; j < outWidth; j++) {
      for (let k = 0; k < filterHeight; k++) {
        for (let l = 0; l < filterWidth; l++) {
          indices.push((i * strides[0] + k) * paddedWidth + j * strides[1] + l);
        }
      }
    }
  }
  const gathered = graph.node("Gather", [pixels, trace.integers(indices)], { axis: 1 });
  const positions = batch * outHeight * outWidth;
  const size = filterHeight * filterWidth * channels;
  const columns = graph.node("Reshape", [gathered, trace.newShape([positions, size])]);
  const gradients = graph.node("Reshape", [trace.whole(dy), trace.newShape([positions, filters])]);
  const product = graph.node("Gemm", [columns, gradients], { transA: 1 });
  return trace.result(graph.node("Reshape", [product, trace.integers(filterShape)]), filterShape);
}

function channelsFirst(trace: TraceBackend, x: tf.TensorInfo): string {
  return trace.graph.node("Transpose", [trace.whole(x)], { perm: [0, 3, 1, 2] });
}

function channelsLast(trace: TraceBackend, name: string, shape: readonly number[]): tf.TensorInfo {
  return trace.result(trace.graph.node("Transpose", [name], { perm: [0, 2, 3, 1] }), shape);
}

function filtersFirst(trace: TraceBackend, filter: tf.TensorInfo): string {
  return trace.graph.node("Transpose", [trace.whole(filter)], { perm: [3, 2, 0, 1] });
}
