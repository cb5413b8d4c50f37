// Convolutions, transposed convolutions and their gradients on every engine, against loops in float64.
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, it } from "vitest";
import "../../src/engine/compiled/gradients.js";
import { exportFunction } from "../../src/engine/compiled/export.js";
import { ModelProtoSchema, type TensorProto } from "../../src/engine/compiled/onnx_pb.js";
import { callProgram } from "../../src/engine/compiled/program.js";
import { Session } from "../../src/engine/compiled/session.js";
import { tf } from "../../src/engine/compiled/tf.js";
import type { Tensors } from "../../src/model/specs.js";
import { type HostArray, sizeOf } from "../../src/tree.js";
import { array, open, openAt, PLACES, relativeError, weyl } from "../helpers.js";

type Pad = "same" | "valid" | number | tf.backend_util.ExplicitPadding;
type Shape = [number, number, number, number];

interface Case {
  /** [batch, height, width, channels] */
  readonly x: Shape;
  /** [height, width, channels, filters] */
  readonly w: Shape;
  readonly strides: [number, number];
  readonly pad: Pad;
}

const square = (x: Shape, kernel: number, filters: number, stride: number, pad: Pad): Case => {
  return { x, w: [kernel, kernel, x[3], filters], strides: [stride, stride], pad };
};

const CASES: Case[] = [
  ...[1, 3, 4, 5].flatMap((kernel) =>
    [1, 2, 3].flatMap((stride) =>
      (["same", "valid"] as const).flatMap((pad) => [
        square([3, 7, 6, 1 + (kernel % 3)], kernel, 2 + (stride % 2), stride, pad),
        square([1, 8, 9, 1 + (stride % 3)], kernel, 3, stride, pad),
      ]),
    ),
  ),
  ...[1, 3, 4, 5].flatMap((kernel) => [1, 2].map((stride) => square([2, 1, 1, 2], kernel, 3, stride, "same"))),
  square([3, 1, 1, 3], 1, 2, 1, "valid"),
  square([128, 6, 6, 3], 3, 4, 2, "same"),
  square([128, 5, 5, 16], 4, 8, 2, "same"),
  square([2, 9, 9, 16], 3, 32, 1, "same"),
  { x: [2, 7, 8, 2], w: [2, 3, 2, 3], strides: [1, 2], pad: "same" },
  { x: [2, 7, 8, 2], w: [3, 2, 2, 3], strides: [3, 1], pad: "valid" },
  square([2, 7, 7, 2], 3, 3, 2, 1),
  square([2, 6, 6, 2], 3, 3, 1, 2),
  // biome-ignore format: as in TensorFlow
  square([2, 6, 7, 2], 3, 3, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]),
];

/** Batches of a prime number of images, too large to gather at once. */
const PRIMES = [square([127, 3, 3, 75], 15, 2, 1, "same"), square([67, 8, 8, 2], 64, 1, 1, "same")];

const nameOf = ({ x, w, strides, pad }: Case) => `[${x}] by [${w}], strides ${strides}, ${JSON.stringify(pad)}`;

/** Along one axis: the size of the result, and the padding at the start. */
function axisOf(size: number, kernel: number, stride: number, pad: Pad, axis: number): [out: number, start: number] {
  if (pad === "same") {
    const out = Math.ceil(size / stride);
    return [out, Math.floor(Math.max(0, (out - 1) * stride + kernel - size) / 2)];
  }
  const [start, end] = pad === "valid" ? [0, 0] : typeof pad === "number" ? [pad, pad] : pad[1 + axis];
  return [Math.floor((size + start + end - kernel) / stride) + 1, start];
}

function outShape({ x, w, strides, pad }: Case): Shape {
  return [x[0], ...([0, 1].map((i) => axisOf(x[i + 1], w[i], strides[i], pad, i)[0]) as [number, number]), w[3]];
}

/** Calls `visit` with the indices of each product x · w, and of the element of y that it adds to. */
function products({ x, w, strides, pad }: Case, visit: (x: number, w: number, y: number) => void): void {
  const [outRows, top] = axisOf(x[1], w[0], strides[0], pad, 0);
  const [outColumns, left] = axisOf(x[2], w[1], strides[1], pad, 1);
  const index = (shape: Shape, ...at: number[]) => at.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
  const y: Shape = [x[0], outRows, outColumns, w[3]];
  for (let at = 0; at < sizeOf(y); at++) {
    const [f, column, row, b] = [w[3], outColumns, outRows, x[0]].reduce<[number[], number]>(
      ([digits, rest], size) => [[...digits, rest % size], Math.floor(rest / size)],
      [[], at],
    )[0];
    for (let k = 0; k < w[0]; k++) {
      for (let l = 0; l < w[1]; l++) {
        const [i, j] = [row * strides[0] + k - top, column * strides[1] + l - left];
        if (i < 0 || j < 0 || i >= x[1] || j >= x[2]) continue;
        for (let c = 0; c < x[3]; c++) visit(index(x, b, i, j, c), index(w, k, l, c, f), at);
      }
    }
  }
}

/** In float64: y = x ∗ w; the gradient of x, which is the transposed convolution of dy; the gradient of w. */
function expectedOf(one: Case, x: ArrayLike<number>, w: ArrayLike<number>, dy: ArrayLike<number>) {
  const results = { y: new Float64Array(dy.length), x: new Float64Array(x.length), w: new Float64Array(w.length) };
  products(one, (atX, atW, atY) => {
    results.y[atY] += x[atX] * w[atW];
    results.x[atX] += dy[atY] * w[atW];
    results.w[atW] += x[atX] * dy[atY];
  });
  return results;
}

const inputsOf = (one: Case) => {
  const of = (shape: Shape, start: number) => array(weyl(sizeOf(shape), -1, 1, start), shape);
  return { x: of(one.x, 0), w: of(one.w, 1000), dy: of(outShape(one), 2000) };
};
type Inputs = { readonly x: tf.Tensor; readonly w: tf.Tensor; readonly dy: tf.Tensor };
const as4D = (tensor: tf.Tensor) => tensor as tf.Tensor4D;

/** Computed by an engine: a convolution and its transpose, each with two gradients. */
const functionOf =
  ({ x: shape, strides, pad }: Case) =>
  ({ x, w, dy }: Inputs) => {
    const convolve = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(as4D(x), as4D(w), strides, pad);
    const transposed = (dy: tf.Tensor, w: tf.Tensor) =>
      tf.conv2dTranspose(as4D(dy), as4D(w), shape, strides, pad as "same");
    const [dx, dw] = tf.grads((x, w) => convolve(x, w))([x, w], dy);
    const [ddy, ddw] = tf.grads((dy, w) => transposed(dy, w))([dy, w], x);
    return { y: convolve(x, w), dx, dw, transposed: transposed(dy, w), ddy, ddw };
  };

/** Computed by an engine: the gradient of the filter. */
const filterGradientOf =
  ({ strides, pad }: Case) =>
  ({ x, w, dy }: Inputs) => ({ dw: tf.grad((w) => tf.conv2d(as4D(x), as4D(w), strides, pad))(w, dy) });

/** The bytes of each Concat of slices and each Gather in the graph of a filter's gradient. */
async function pixelBytes(one: Case): Promise<{ sliced: number[]; gathered: number[] }> {
  const of = (shape: Shape) => ({ data: new Float32Array(), shape });
  const inputs = { x: of(one.x), w: of(one.w), dy: of(outShape(one)) };
  const { graph } = fromBinary(ModelProtoSchema, (await callProgram(filterGradientOf(one), inputs)).model);
  const { node = [], initializer = [] } = graph ?? {};
  const constants = new Map(initializer.map((tensor): [string, TensorProto] => [tensor.name, tensor]));
  const numbers = (name: string) => new BigInt64Array(constants.get(name)?.rawData.slice().buffer ?? []);
  const images = new Map<string, number>();
  for (const { opType, input, output } of node) {
    if (opType !== "Split") continue;
    for (const [i, name] of output.entries()) images.set(name, Number(numbers(input[1])[i]));
  }
  const [batch, rows, columns] = outShape(one);
  const named = (type: string) => node.filter(({ opType }) => opType === type);
  const slices = named("Slice").length;
  return {
    sliced: slices > 0 ? [4 * slices * batch * rows * columns * one.x[3]] : [],
    gathered: named("Gather").map(({ input: [pixels, index] }) => {
      return 4 * (images.get(pixels) ?? batch) * numbers(index).length * one.x[3];
    }),
  };
}

function expectResults(
  actual: Record<string, HostArray>,
  one: Case,
  inputs: Record<"x" | "w" | "dy", HostArray>,
): void {
  const { y, x, w } = expectedOf(one, inputs.x.data, inputs.w.data, inputs.dy.data);
  for (const [name, expected] of Object.entries({ y, dx: x, dw: w, transposed: x, ddy: y, ddw: w })) {
    expect(relativeError(actual[name].data, expected), name).toBeLessThan(3e-6);
  }
  expect(actual.y.shape).toEqual(outShape(one));
  expect([actual.dx.shape, actual.dw.shape]).toEqual([one.x, one.w]);
}

describe.each(PLACES)("engine $title", (place) => {
  const { name, device } = place;
  const engine = openAt(place);
  afterAll(async () => (await engine).close());

  // tfjs-node rejects numeric padding. SwiftShader takes a second for each case.
  const supported = CASES.filter(({ pad }) => name !== "tensorflow" || typeof pad === "string");
  const cases = supported.filter((_, i) => device === "cpu" || i % 5 === 0);
  it.each(cases.map((one) => [nameOf(one), one] as const))("%s", async (_name, one) => {
    const inputs = inputsOf(one);
    expectResults(await (await engine).call(functionOf(one), inputs), one, inputs);
  });

  // Engine cpu takes a minute, and SwiftShader half of it.
  it.skipIf(name === "cpu" || device === "gpu")("computes filter gradients too large to gather at once", async () => {
    const one = square([42, 64, 64, 5], 5, 2, 1, "same"); // 86 MB
    const inputs = inputsOf(one);
    const { dw } = await (await engine).call(filterGradientOf(one), inputs);
    expect(relativeError(dw.data, expectedOf(one, inputs.x.data, inputs.w.data, inputs.dy.data).w)).toBeLessThan(2e-5);
  });

  // Filters larger than the image: much to gather, most of it padding.
  it.each(device === "cpu" ? PRIMES : [])(
    "gathers a prime batch of images with $x.3 channels in parts",
    async (one) => {
      const inputs = inputsOf(one);
      const { dw } = await (await engine).call(filterGradientOf(one), inputs);
      expect(relativeError(dw.data, expectedOf(one, inputs.x.data, inputs.w.data, inputs.dy.data).w)).toBeLessThan(
        3e-6,
      );
    },
  );

  it("learns a filter, with the same result in one scan and in two", async () => {
    const one = square([4, 7, 7, 2], 3, 3, 2, "same");
    const { x, w, dy } = inputsOf(one);
    const scale = (n: number) => ({ data: Float32Array.from(x.data, (v) => v * (1 + n / 10)), shape: x.shape });
    const steps = [0, 1, 2, 3].map((n) => scale(n).data);
    const step = ({ w }: { w: tf.Tensor }, { x, y }: { x: tf.Tensor; y: tf.Tensor }): [{ w: tf.Tensor }, object] => {
      const loss = (w: tf.Tensor) => tf.sum(tf.square(tf.sub(tf.relu(tf.conv2d(as4D(x), as4D(w), 2, "same")), y)));
      return [{ w: tf.sub(w, tf.mul(tf.grad(loss)(w), 0.01)) }, {}];
    };
    const xs = (from: number, to: number) => ({
      x: array(
        steps.slice(from, to).flatMap((data) => [...data]),
        [to - from, ...x.shape],
      ),
      y: array(Array.from({ length: to - from }, () => [...dy.data]).flat(), [to - from, ...dy.shape]),
    });
    const [whole] = await (await engine).scan(step, { w }, xs(0, 4));
    const [first] = await (await engine).scan(step, { w }, xs(0, 1));
    const [second] = await (await engine).scan(step, first, xs(1, 4));
    expect(second).toEqual(whole);

    let weights = Float64Array.from(w.data);
    for (const data of steps) {
      const { y } = expectedOf(one, data, weights, dy.data);
      const slope = y.map((value, i) => (value > 0 ? 2 * (value - dy.data[i]) : 0));
      const { w: gradient } = expectedOf(one, data, weights, slope);
      weights = weights.map((value, i) => value - 0.01 * gradient[i]);
    }
    expect(relativeError(whole.w.data, weights)).toBeLessThan(3e-6);
  });
});

describe("the compiled engine", () => {
  const engine = open("compiled");
  afterAll(async () => (await engine).close());
  const { x, w } = inputsOf(square([2, 6, 6, 2], 3, 3, 1, "same"));

  const parts: [Case, number][] = [
    [square([128, 64, 64, 32], 4, 64, 2, "same"), 4], // 2 MiB an image
    [square([127, 64, 64, 32], 4, 64, 2, "same"), 4],
    [square([126, 64, 64, 32], 4, 64, 2, "same"), 6], // equal parts
    [square([128, 128, 128, 3], 15, 4, 2, "same"), 32], // 10.5 MiB, equal parts
    [square([127, 128, 128, 3], 15, 4, 2, "same"), 22],
    [square([127, 128, 128, 1], 15, 4, 2, "same"), 8], // 3.5 MiB
    [PRIMES[0], 2],
    [PRIMES[1], 3],
    [square([3, 64, 64, 32], 15, 1, 1, "same"), 3], // 112 MiB
  ];
  const named = parts.map(([one, count]) => [nameOf(one), count, one] as const);
  it.each(named)("gathers %s, in %i parts of 64 MiB or one image at most", async (_name, count, one) => {
    const [, rows, columns] = outShape(one);
    const imageBytes = 4 * rows * columns * sizeOf(one.w.slice(0, 3));
    const { sliced, gathered } = await pixelBytes(one);
    expect(sliced).toEqual([]);
    expect(gathered.length).toBe(count);
    expect(gathered.reduce((a, b) => a + b)).toBe(one.x[0] * imageBytes);
    expect(Math.max(...gathered)).toBeLessThanOrEqual(Math.max(2 ** 26, imageBytes));
  });

  it("slices the images of 4 channels or fewer up to 128 MiB", async () => {
    const images = (batch: number, channels: number) => square([batch, 128, 128, channels], 4, 32, 2, "same");
    expect(await pixelBytes(images(170, 3))).toEqual({ sliced: [170 * 3 * 2 ** 18], gathered: [] });
    expect(await pixelBytes(images(128, 4))).toEqual({ sliced: [2 ** 27], gathered: [] });
    for (const [batch, channels] of [
      [171, 3],
      [129, 4],
      [64, 5],
    ]) {
      expect((await pixelBytes(images(batch, channels))).sliced).toEqual([]);
    }
  });

  it.each([
    [
      "dilated",
      (x: tf.Tensor4D, w: tf.Tensor4D) => tf.conv2d(x, w, 1, "same", "NHWC", 2),
      "Dilated convolutions are not supported",
    ],
    [
      "channels first",
      (x: tf.Tensor4D, w: tf.Tensor4D) => tf.conv2d(as4D(tf.reshape(x, [2, 2, 6, 6])), w, 1, "same", "NCHW"),
      "channels last",
    ],
  ] as const)("refuses a convolution that is %s", async (_what, fn, problem) => {
    const run = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => ({ y: fn(as4D(x), as4D(w)) });
    await expect((await engine).call(run, { x, w })).rejects.toThrow(problem);
  });
});

it("exported convolutions accept any batch size", async () => {
  const cpu = await open("cpu");
  const params = {
    a: array(weyl(3 * 3 * 2 * 4), [3, 3, 2, 4]),
    b: array(weyl(4 * 4 * 2 * 4), [4, 4, 2, 4]),
    bias: array(weyl(4)),
  };
  const network = ({ params, x }: { params: Tensors; x: tf.Tensor }) => {
    const image = tf.reshape(x, [x.shape[0], 7, 5, 2]) as tf.Tensor4D;
    const hidden = tf.relu(tf.add(tf.conv2d(image, as4D(params.a), 2, "same"), params.bias));
    const y = tf.conv2dTranspose(as4D(hidden), as4D(params.b), [x.shape[0], 7, 5, 2], 2, "same");
    return { h: tf.reshape(hidden, [x.shape[0], 48]), y: tf.reshape(y, [x.shape[0], 70]) };
  };
  const file = await exportFunction(
    "f",
    network,
    params,
    { x: { name: "pixels", size: 70 } },
    { description: "", metadata: {} },
  );
  expect(file.length).toBeLessThan(10_000); // no index tables
  const session = await Session.create(file, 1);
  for (const batch of [1, 7]) {
    const x = array(weyl(70 * batch, -2, 2, batch), [batch, 70]);
    const outputs = await session.run(new Map([["pixels", x]]));
    const expected = await cpu.call(network, { params, x });
    for (const [output, { data, shape }] of Object.entries(expected)) {
      expect(outputs.get(output)?.shape).toEqual(shape);
      expect(relativeError(outputs.get(output)?.data ?? [], data)).toBeLessThan(1e-6);
    }
  }
  await session.close();
});
