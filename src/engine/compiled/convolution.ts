// Lowers 2-D convolutions to ONNX. Layouts differ. TensorFlow.js: images [batch, height, width, channels], filters
// [height, width, in, out]. ONNX: images [batch, channels, height, width], filters [out, in, height, width].
import type { TraceBackend } from "./backend.js";
import { tf } from "./tf.js";

type Four = [number, number, number, number];
type Attributes = tf.Conv2DAttrs | tf.Conv2DBackpropInputAttrs | tf.Conv2DBackpropFilterAttrs;

interface Geometry {
  readonly outShape: Four;
  readonly strides: readonly [number, number];
  /** Padding above and to the left, in pixels. */
  readonly start: readonly [number, number];
  /** Padding below and to the right, in pixels. Negative: pixels that no filter position reaches. */
  readonly end: readonly [number, number];
}

/** @throws Error if the convolution is dilated or its images have channels first */
export function geometryOf(x: readonly number[], filter: readonly number[], attributes: Attributes): Geometry {
  const { strides, pad, dataFormat, dimRoundingMode } = attributes;
  const dilations = "dilations" in attributes ? attributes.dilations : 1;
  if (dataFormat !== "NHWC") throw new Error("Convolutions take images with channels last (NHWC) only");
  if ([dilations].flat().some((dilation) => dilation !== 1)) {
    throw new Error("Dilated convolutions are not supported");
  }
  const info = tf.backend_util.computeConv2DInfo(x as Four, filter as Four, strides, 1, pad, dimRoundingMode);
  const steps = [info.strideHeight, info.strideWidth] as const;
  const start = [info.padInfo.top, info.padInfo.left] as const;
  const [, ...out] = info.outShape;
  const end = [0, 1].map((i) => (out[i] - 1) * steps[i] + filter[i] - x[i + 1] - start[i]);
  return { outShape: info.outShape as Four, strides: steps, start, end: [end[0], end[1]] };
}

/** Lowers a convolution. */
export function conv2d(trace: TraceBackend, x: tf.TensorInfo, filter: tf.TensorInfo, attributes: tf.Conv2DAttrs) {
  const { outShape, strides, start, end } = geometryOf(x.shape, filter.shape, attributes);
  const inputs = [channelsFirst(trace, x), filtersFirst(trace, filter)];
  return convolution(trace, "Conv", inputs, { strides, pads: [...start, ...end.map(positive)] }, outShape);
}

/** The gradient with respect to the input: the transposed convolution. */
export function conv2dInput(
  trace: TraceBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  attributes: tf.Conv2DBackpropInputAttrs,
) {
  const { inputShape } = attributes;
  const { strides, start, end } = geometryOf(inputShape, filter.shape, attributes);
  const pads = [...start, ...end.map(positive)];
  const output_padding = end.map((rows) => positive(-rows));
  const inputs = [channelsFirst(trace, dy), filtersFirst(trace, filter)];
  return convolution(trace, "ConvTranspose", inputs, { strides, pads, output_padding }, inputShape);
}

/**
 * The gradient with respect to the filter: (pixels below each filter position)ᵀ · dy. The alternative, onnxruntime's
 * Conv over the transposed batch, takes 2 to 8 times as long.
 */
export function conv2dFilter(
  trace: TraceBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  attributes: tf.Conv2DBackpropFilterAttrs,
) {
  const { filterShape } = attributes;
  const geometry = geometryOf(x.shape, filterShape, attributes);
  const [positions, pixels] = [geometry.outShape, filterShape].map((shape) => tf.util.sizeFromShape(shape.slice(0, 3)));
  const fits = trace.open !== undefined || 4 * positions * pixels <= MAX_SLICED_BYTES;
  const gradient = x.shape[3] <= MAX_SLICED_CHANNELS && fits ? bySlices : byGather;
  return trace.result(gradient(trace, x, dy, filterShape, geometry), filterShape);
}

/** With more channels, gathering pixels is faster than slicing planes. */
const MAX_SLICED_CHANNELS = 4;

/** Of the slices of a whole batch. More pixels are gathered in parts. */
const MAX_SLICED_BYTES = 2 ** 27;

/** Takes a slice of the image for each weight of the filter, and a matrix product for each image. */
function bySlices(
  trace: TraceBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  filterShape: Four,
  { outShape, strides, start, end }: Geometry,
): string {
  const { graph } = trace;
  const [height, width, channels, filters] = filterShape;
  const [batch, ...out] = outShape;
  const pads = trace.integers([0, 0, ...start, 0, 0, ...end.map(positive)]);
  const padded = graph.node("Pad", [channelsFirst(trace, x), pads]);
  const slices = Array.from({ length: height * width }, (_, position) => {
    const from = [Math.floor(position / width), position % width];
    const to = from.map((first, i) => first + (out[i] - 1) * strides[i] + 1);
    return graph.node("Slice", [padded, ...[from, to, [2, 3], strides].map((vector) => trace.integers(vector))]);
  });
  const size = height * width * channels;
  const matrix = (name: string, rows: number) =>
    graph.node("Reshape", [name, trace.newShape([batch, rows, out[0] * out[1]])]);
  const pixels = matrix(graph.node("Concat", slices, { axis: 1 }), size);
  const transposed = graph.node("Transpose", [pixels], { perm: [0, 2, 1] }); // onnxruntime fuses it with the product
  const products = graph.node("MatMul", [matrix(channelsFirst(trace, dy), filters), transposed]);
  const sum = graph.node("ReduceSum", [products, trace.integers([0])], { keepdims: 0 });
  return graph.node("Reshape", [graph.node("Transpose", [sum], { perm: [1, 0] }), trace.integers(filterShape)]);
}

/** Of the pixels gathered at once, unless a single image has more. */
const MAX_GATHERED_BYTES = 2 ** 26;

/** Gathers a matrix (im2col) with a row of pixels for each filter position in each image, for one matrix product. */
function byGather(
  trace: TraceBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  filterShape: Four,
  { outShape, strides, start, end }: Geometry,
): string {
  const { graph } = trace;
  const [batch, height, width, channels] = x.shape;
  const [filterHeight, filterWidth, , filters] = filterShape;
  const [, outHeight, outWidth] = outShape;
  const [below, right] = end.map(positive);
  const stride = start[1] + width + right;
  const padded = graph.node("Pad", [trace.whole(x), trace.integers([0, ...start, 0, 0, below, right, 0])]);
  const rows = trace.newShape([batch, (start[0] + height + below) * stride, channels]);
  const pixels = graph.node("Reshape", [padded, rows]);
  const gradients = graph.node("Reshape", [trace.whole(dy), trace.newShape([batch, outHeight * outWidth, filters])]);
  const index = trace.integers(pixelIndices([outHeight, outWidth], [filterHeight, filterWidth], strides, stride));
  const size = filterHeight * filterWidth * channels;
  const parts = trace.open ? [batch] : partsOf(batch, 4 * outHeight * outWidth * size);
  const slices = [pixels, gradients].map((name) => split(trace, name, parts));
  const matrix = (name: string, columns: number) => graph.node("Reshape", [name, trace.integers([-1, columns])]);
  const operands = parts.map((_, part) => [
    matrix(graph.node("Gather", [slices[0][part], index], { axis: 1 }), size),
    matrix(slices[1][part], filters),
  ]);
  // With these nodes after all Gathers, onnxruntime runs each product right after its Gather and reuses the memory.
  let sum: string | undefined;
  for (const pair of operands) sum = graph.node("Gemm", sum ? [...pair, sum] : pair, { transA: 1 });
  return graph.node("Reshape", [sum as string, trace.integers(filterShape)]);
}

/** The indices of the pixels below the filter at each of its positions, in an image with `width` columns. */
export function pixelIndices(
  positions: readonly [number, number],
  filter: readonly [number, number],
  strides: readonly [number, number],
  width: number,
): number[] {
  const offsets = grid(...filter, [1, 1], width);
  return grid(...positions, strides, width).flatMap((corner) => offsets.map((offset) => corner + offset));
}

/** The indices of a grid of pixels in an image with `width` columns. */
function grid(rows: number, columns: number, strides: readonly [number, number], width: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => {
    return Math.floor(i / columns) * strides[0] * width + (i % columns) * strides[1];
  });
}

/**
 * Divides a batch into as few parts as MAX_GATHERED_BYTES allows, or up to twice as many if that makes them equal.
 *
 * @param imageBytes bytes gathered for an image
 * @returns the number of images of each part
 */
export function partsOf(batch: number, imageBytes: number): number[] {
  const images = Math.max(1, Math.floor(MAX_GATHERED_BYTES / imageBytes));
  const least = Math.max(1, Math.ceil(batch / images));
  let equal = least;
  while (batch % equal !== 0) equal++;
  const parts = equal < 2 * least ? equal : least;
  const end = (part: number) => Math.floor((batch * part) / parts);
  return Array.from({ length: parts }, (_, part) => end(part + 1) - end(part));
}

function split(trace: TraceBackend, name: string, sizes: readonly number[]): string[] {
  if (sizes.length === 1) return [name];
  const names = sizes.map(() => trace.graph.newName("Split"));
  trace.graph.node("Split", [name, trace.integers(sizes)], { axis: 0 }, names);
  return names;
}

/** Lowers x + bias to one convolution with the bias as operand. Undefined if x is not the result of a convolution. */
export function addBias(trace: TraceBackend, x: tf.TensorInfo, bias: tf.TensorInfo): tf.TensorInfo | undefined {
  const { name, storedShape } = trace.value(x);
  const convolution = trace.convolutions.get(name);
  const isVector = String(bias.shape) === String(storedShape.slice(-1));
  if (!convolution || !isVector) return undefined;
  return trace.reuse(convolution(trace.whole(bias)), x.shape);
}

function convolution(
  trace: TraceBackend,
  opType: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, readonly number[]>>,
  shape: readonly number[],
): tf.TensorInfo {
  const name = trace.graph.node(opType, inputs, attributes);
  const y = trace.result(trace.graph.node("Transpose", [name], { perm: [0, 2, 3, 1] }), shape);
  // `GraphBuilder` drops the node without the bias unless another output needs it.
  const biased = (bias: string) => convolution(trace, opType, [...inputs, bias], attributes, shape);
  if (inputs.length === 2) trace.convolutions.set(trace.value(y).name, biased);
  return y;
}

function channelsFirst(trace: TraceBackend, x: tf.TensorInfo): string {
  return trace.graph.node("Transpose", [trace.whole(x)], { perm: [0, 3, 1, 2] });
}

function filtersFirst(trace: TraceBackend, filter: tf.TensorInfo): string {
  return trace.graph.node("Transpose", [trace.whole(filter)], { perm: [3, 2, 0, 1] });
}

/** Padding clipped at 0. */
export function positive(rows: number): number {
  return Math.max(rows, 0);
}
