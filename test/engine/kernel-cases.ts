// Cases for each kernel that the compiled engine lowers: shapes, broadcasting, odd values.
import "../../src/engine/compiled/gradients.js";
import type { kernels } from "../../src/engine/compiled/kernels.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { type HostArray, sizeOf } from "../../src/tree.js";
import { array, weyl } from "../helpers.js";

export type Inputs = { readonly [name: string]: tf.Tensor };
export type Case = [
  kernel: keyof typeof kernels,
  what: string,
  fn: (inputs: Inputs) => tf.Tensor,
  inputs: Record<string, HostArray>,
];

const of = (shape: number[], low = -3, high = 3, start = 0) => array(weyl(sizeOf(shape), low, high, start), shape);
const ODD = [0, -0, 1e-30, -1e-30, 80, -80, 200, -200, Infinity, -Infinity, Number.NaN, 1];
const odd = array(ODD, [3, 4]);
/** Odd values in some rows and columns, so that others stay plain. */
const someOdd = array([1, 2, 3, 4, 0, Infinity, -1, 2, Number.NaN, 0, -Infinity, 5], [3, 4]);
const matrix = of([3, 4]);

const unary = (kernel: Case[0], fn: (x: tf.Tensor) => tf.Tensor): Case[] =>
  (
    [
      ["a scalar", array([0.7], [])],
      ["a vector", of([5])],
      ["a matrix", matrix],
      ["four axes", of([2, 3, 1, 2])],
      ["odd values", odd],
      ["nothing", array([], [0, 3])],
    ] as const
  ).map(([what, a]) => [kernel, what, ({ a }) => fn(a), { a }]);

const binary = (kernel: Case[0], fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Case[] => [
  ...(
    [
      ["one shape", matrix, of([3, 4], 0.5, 2)],
      ["a row", matrix, of([1, 4], 1, 2)],
      ["a column", of([3, 1], -2, -1), matrix],
      ["a row and a column", of([3, 1], -2, -1), of([1, 4], 1, 2)],
      ["a scalar", matrix, array([1.5], [])],
      ["a vector", matrix, of([4], 1, 2)],
      ["three axes and two", of([2, 3, 4]), of([3, 1], 1, 2)],
      ["each odd value with each", array(ODD, [12, 1]), array(ODD, [1, 12])],
      ["nothing", array([], [0, 4]), of([4])],
    ] as const
  ).map(([what, a, b]): Case => [kernel, what, ({ a, b }) => fn(a, b), { a, b }]),
  [kernel, "a constant", ({ a }) => fn(a, tf.fill([3, 4], 2)), { a: matrix }],
  [kernel, "two constants", ({ a }) => tf.concat([a, fn(tf.ones([3, 4]), tf.fill([4], 2))], 0), { a: matrix }],
];

type Reduce = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;
const reduction = (kernel: Case[0], reduce: Reduce): Case[] => {
  const cube = of([2, 3, 4]);
  const over = (what: string, a: HostArray, axis?: number | number[], keepDims?: boolean): Case => [
    kernel,
    what,
    (inputs) => reduce(inputs.a, axis, keepDims),
    { a },
  ];
  return [
    over("all", cube),
    over("the first axis", cube, 0),
    over("the last axis", cube, -1),
    over("two axes", cube, [0, 2]),
    over("an axis that is kept", cube, 1, true),
    over("no axis", cube, []),
    over("a scalar", array([2], [])),
    over("odd values, all", someOdd),
    over("odd values in rows", someOdd, 1),
    over("odd values in columns", someOdd, 0),
    [kernel, "a constant", ({ a }) => tf.add(a, reduce(tf.fill([7, 4], 2), 0)), { a: matrix }],
  ];
};

const matMul = (what: string, a: HostArray, b: HostArray, ...turned: boolean[]): Case => [
  "BatchMatMul",
  what,
  ({ a, b }) => tf.matMul(a, b, ...turned),
  { a, b },
];
/** A gradient, whose kernels tfjs alone calls. */
const eluGradient = (what: string, a: HostArray, b: HostArray): Case => [
  "EluGrad",
  what,
  ({ a, b }) => tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.elu(x), b)))(a),
  { a, b },
];
const one = (kernel: Case[0], what: string, fn: (a: tf.Tensor) => tf.Tensor, a: HostArray = matrix): Case => [
  kernel,
  what,
  (inputs) => fn(inputs.a),
  { a },
];

/** Images, channels, filters, kernel, stride and padding. */
const CONVOLUTIONS = [
  ["small", [2, 5, 7, 2], 3, [3, 3], 2, "same"],
  ["of even kernels", [1, 6, 6, 1], 2, [4, 4], 2, "same"],
  ["with steps past the kernel", [2, 7, 8, 3], 2, [1, 2], 3, "same"],
  ["unpadded", [3, 9, 6, 2], 4, [5, 3], 1, "valid"],
  ["of one pixel", [2, 1, 1, 3], 2, [4, 4], 2, "same"],
  ["of colour", [2, 8, 8, 3], 5, [4, 4], 2, "same"],
  ["many", [128, 4, 4, 8], 8, [3, 3], 2, "same"],
] as const;

const convolution = ([what, [n, h, w, c], filters, [kh, kw], stride, pad]: (typeof CONVOLUTIONS)[number]): Case[] => {
  const inputs = { x: of([n, h, w, c], -1, 1), filter: of([kh, kw, c, filters], -1, 1, 99) };
  const conv = (x: tf.Tensor, filter: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
  const loss = (x: tf.Tensor, filter: tf.Tensor) => tf.sum(tf.square(tf.sub(conv(x, filter), 0.5)));
  return [
    ["Conv2D", what, ({ x, filter }) => conv(x, filter), inputs],
    ["Conv2DBackpropInput", what, ({ x, filter }) => tf.grad((x: tf.Tensor) => loss(x, filter))(x), inputs],
    ["Conv2DBackpropFilter", what, ({ x, filter }) => tf.grad((f: tf.Tensor) => loss(x, f))(filter), inputs],
  ];
};

export const KERNEL_CASES: Case[] = [
  ...unary("Abs", tf.abs),
  ...binary("Add", tf.add),
  matMul("plain", matrix, of([4, 5])),
  matMul("first turned", matrix, of([3, 5]), true),
  matMul("second turned", matrix, of([5, 4]), false, true),
  matMul("both turned", matrix, of([5, 3]), true, true),
  matMul("a row and a column", of([1, 6]), of([6, 1])),
  matMul("odd values", someOdd, of([4, 2])),
  matMul("odd values, turned", of([2, 4]), someOdd, false, true),
  one("BatchMatMul", "a constant", (a) => tf.matMul(a as tf.Tensor2D, tf.ones([4, 2]))),
  one("Cast", "to integers and back", (a) => tf.cast(tf.cast(a, "int32"), "float32")),
  one(
    "Cast",
    "of odd values to integers",
    (a) => tf.cast(tf.cast(a, "int32"), "float32"),
    array([0, -0, 2.7, -2.7, 1e9, -1e9]),
  ),
  one(
    "Cast",
    "of infinite values and NaN to integers",
    (a) => tf.cast(tf.cast(a, "int32"), "float32"),
    array([Infinity, -Infinity, Number.NaN]),
  ),
  one("Cast", "to integers that are given back", (a) => tf.cast(a, "int32")),
  one(
    "Cast",
    "to truth values and back",
    (a) => tf.cast(tf.cast(a, "bool"), "float32"),
    array([0, -0, 2, -0.5, Infinity, Number.NaN]),
  ),
  one("Cast", "a constant of integers", (a) => tf.add(a, tf.cast(tf.fill([3, 4], 3, "int32"), "float32"))),
  ["Concat", "of columns", ({ a, b }) => tf.concat([a, b], 1), { a: matrix, b: odd }],
  ["Concat", "of rows", ({ a, b }) => tf.concat([a, b, a], 0), { a: matrix, b: of([1, 4]) }],
  ["Concat", "with a constant", ({ a }) => tf.concat([a, tf.ones([3, 2])], -1), { a: matrix }],
  ...CONVOLUTIONS.flatMap(convolution),
  [
    "Conv2D",
    "of a constant",
    ({ filter }) => tf.conv2d(tf.ones<tf.Rank.R4>([1, 4, 4, 1]), filter as tf.Tensor4D, 1, "same"),
    { filter: of([2, 2, 1, 1]) },
  ],
  [
    "Conv2DBackpropInput",
    "as a transposed convolution",
    ({ x, filter }) => tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [2, 5, 8, 3], 2, "same"),
    { x: of([2, 3, 4, 2]), filter: of([4, 4, 3, 2]) },
  ],
  ...unary("Elu", tf.elu),
  eluGradient("of a matrix", matrix, of([3, 4], 0.5, 2)),
  eluGradient("of odd values", odd, of([3, 4], 0.5, 2)),
  eluGradient("with odd slopes above it", matrix, someOdd),
  ...unary("Exp", tf.exp),
  one("Fill", "of numbers", (a) => tf.add(a, tf.fill([3, 4], 0.5))),
  one("Fill", "of truth values", (a) => tf.add(a, tf.cast(tf.fill([4], 1, "bool"), "float32"))),
  one("Fill", "that is given back", (a) => tf.concat([a, tf.fill([1, 4], Number.NaN)], 0)),
  ...unary("Identity", (x) => x.clone()),
  one("Identity", "of integers", (a) => tf.cast(a, "int32").clone()),
  one("Identity", "of a constant", (a) => tf.add(a, tf.ones([4]).clone())),
  ...unary("Log", tf.log),
  ...reduction("Max", tf.max),
  ...reduction("Mean", tf.mean),
  ...binary("Multiply", tf.mul),
  ...unary("Neg", tf.neg),
  ...reduction("Prod", tf.prod),
  ...binary("RealDiv", tf.div),
  ...unary("Relu", tf.relu),
  one("Reshape", "of a matrix", (a) => tf.reshape(a, [2, 6])),
  one("Reshape", "with a size left open", (a) => tf.reshape(a, [-1])),
  one("Reshape", "to a scalar", (a) => tf.reshape(a, []), array([3], [1, 1])),
  one("Reshape", "to its own shape", (a) => tf.reshape(a, [3, 4]), odd),
  one("Reshape", "of integers", (a) => tf.reshape(tf.cast(a, "int32"), [2, 6])),
  one("Reshape", "of a constant", (a) => tf.add(a, tf.reshape(tf.ones([12]), [3, 4]))),
  one("Reshape", "of a row that stands for a matrix", (a) => tf.reshape(tf.tile(a, [3, 1]), [6, 2]), of([1, 4])),
  ...unary("Sigmoid", tf.sigmoid),
  ...unary("Softplus", tf.softplus),
  one("SplitV", "in two", (a) => tf.sub(...(tf.split(a, 2, 1) as [tf.Tensor, tf.Tensor]))),
  one("SplitV", "by sizes", (a) => tf.split(a, [1, 3], 1)[1], odd),
  one("SplitV", "along the first axis", (a) => tf.split(a, [2, 1], 0)[0]),
  ...unary("Sqrt", tf.sqrt),
  ...unary("Square", tf.square),
  ...unary("Step", tf.step),
  ...unary("Step", (x) => tf.step(x, 0.5)),
  ...binary("Sub", tf.sub),
  ...reduction("Sum", tf.sum),
  ...unary("Tanh", tf.tanh),
  one("Tile", "of a row", (a) => tf.tile(a, [3, 1]), of([1, 4])),
  one("Tile", "of a matrix", (a) => tf.tile(a, [2, 3]), odd),
  one("Tile", "of a scalar in brackets", (a) => tf.tile(a, [2, 3]), array([5], [1, 1])),
];
