// Cases for each kernel that the compiled engine lowers: shapes, broadcasting, special values.
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
const SPECIAL = [0, -0, 1e-30, -1e-30, 80, -80, 200, -200, Infinity, -Infinity, Number.NaN, 1];
const special = array(SPECIAL, [3, 4]);
/** Special values in some rows and columns, so that the others stay finite. */
const someSpecial = array([1, 2, 3, 4, 0, Infinity, -1, 2, Number.NaN, 0, -Infinity, 5], [3, 4]);
const matrix = of([3, 4]);

const unary = (kernel: Case[0], fn: (x: tf.Tensor) => tf.Tensor): Case[] =>
  (
    [
      ["a scalar", array([0.7], [])],
      ["a vector", of([5])],
      ["a matrix", matrix],
      ["four axes", of([2, 3, 1, 2])],
      ["special values", special],
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
      ["each special value with each", array(SPECIAL, [12, 1]), array(SPECIAL, [1, 12])],
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
    over("special values, all", someSpecial),
    over("special values in rows", someSpecial, 1),
    over("special values in columns", someSpecial, 0),
    [kernel, "a constant", ({ a }) => tf.add(a, reduce(tf.fill([7, 4], 2), 0)), { a: matrix }],
  ];
};

const matMul = (what: string, a: HostArray, b: HostArray, ...transposes: boolean[]): Case => [
  "BatchMatMul",
  what,
  ({ a, b }) => tf.matMul(a, b, ...transposes),
  { a, b },
];
/** The gradient of elu, because only gradients call this kernel. */
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

const slope = (fn: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor, dy: tf.Tensor) =>
  tf.grad((x: tf.Tensor) => tf.sum(tf.mul(fn(x), dy)))(x);
const gradient = (kernel: Case[0], what: string, fn: (x: tf.Tensor) => tf.Tensor, a = matrix, b = a): Case => [
  kernel,
  `${what}, gradient`,
  ({ a, b }) => slope(fn)(a, b),
  { a, b },
];
const comparison = (kernel: Case[0], compare: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Case[] =>
  binary(kernel, (a, b) => tf.cast(compare(a, b), "float32"));
const logical = (kernel: Case[0], fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Case => [
  kernel,
  "a matrix and a row",
  ({ a, b }) => tf.cast(fn(tf.greater(a, 0), tf.greater(b, 0)), "float32"),
  { a: matrix, b: of([1, 4]) },
];
const image = of([2, 5, 6, 3], 0, 1);
const filter = of([3, 3, 3, 2], -1, 1);
type Convolution = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor;
/** Convolutions in more shapes: convolution.test.ts. */
const convolution = (kernel: Case[0], what: string, fn: Convolution, a: HostArray, b: HostArray): Case => [
  kernel,
  what,
  ({ a, b }) => fn(a as tf.Tensor4D, b as tf.Tensor4D),
  { a, b },
];

export const KERNEL_CASES: Case[] = [
  ...unary("Abs", tf.abs),
  ...binary("Add", tf.add),
  convolution(
    "Add",
    "a bias to a convolution that is also used without it",
    (x, w) => {
      const y = tf.conv2d(x, w, 1, "same");
      return tf.concat([y, tf.add(y, tf.tensor1d([1, -2])), tf.add(tf.tensor1d([3, 4]), y), tf.add(y, 1)], 0);
    },
    image,
    filter,
  ),
  convolution(
    "Add",
    "two biases to a transposed convolution",
    (x, w) => tf.add(tf.add(tf.conv2dTranspose(x, w, [2, 5, 6, 3], 1, "same"), tf.ones([3])), tf.tensor1d([1, 2, 3])),
    of([2, 5, 6, 2]),
    filter,
  ),
  convolution(
    "Add",
    "a bias to a convolution broadcast to several",
    (x, w) => tf.add(tf.tile(tf.conv2d(x, w, 1, "same"), [3, 1, 1, 1]), tf.tensor1d([1, -2])),
    of([1, 3, 3, 3], 0, 1),
    filter,
  ),
  matMul("plain", matrix, of([4, 5])),
  matMul("first transposed", matrix, of([3, 5]), true),
  matMul("second transposed", matrix, of([5, 4]), false, true),
  matMul("both transposed", matrix, of([5, 3]), true, true),
  matMul("a row and a column", of([1, 6]), of([6, 1])),
  matMul("special values", someSpecial, of([4, 2])),
  matMul("special values, transposed", of([2, 4]), someSpecial, false, true),
  one("BatchMatMul", "a constant", (a) => tf.matMul(a as tf.Tensor2D, tf.ones([4, 2]))),
  matMul("batches", of([2, 3, 4]), of([2, 4, 5])),
  matMul("batches, first transposed", of([2, 4, 3]), of([2, 4, 5]), true),
  matMul("batches, second transposed", of([2, 3, 4]), of([2, 5, 4]), false, true),
  matMul("batches, both transposed", of([2, 4, 3]), of([2, 5, 4]), true, true),
  matMul("a batch and one matrix", of([3, 3, 4]), of([1, 4, 2])),
  matMul("two axes of batches", of([2, 3, 2, 4]), of([2, 3, 5, 4]), false, true),
  gradient("BatchMatMul", "of batches", (x) => tf.matMul(x, tf.square(x), true), of([2, 3, 3])),
  one("Cast", "to integers and back", (a) => tf.cast(tf.cast(a, "int32"), "float32")),
  one(
    "Cast",
    "of special values to integers",
    (a) => tf.cast(tf.cast(a, "int32"), "float32"),
    array([0, -0, 2.7, -2.7, 1e9, -1e9]),
  ),
  one(
    "Cast",
    "of infinite values and NaN to integers",
    (a) => tf.cast(tf.cast(a, "int32"), "float32"),
    array([Infinity, -Infinity, Number.NaN]),
  ),
  one("Cast", "to integers as the result", (a) => tf.cast(a, "int32")),
  one(
    "Cast",
    "to booleans and back",
    (a) => tf.cast(tf.cast(a, "bool"), "float32"),
    array([0, -0, 2, -0.5, Infinity, Number.NaN]),
  ),
  one("Cast", "a constant of integers", (a) => tf.add(a, tf.cast(tf.fill([3, 4], 3, "int32"), "float32"))),
  ...unary("ClipByValue", (x) => tf.clipByValue(x, -1, 2)),
  gradient("ClipByValue", "of special values", (x) => tf.clipByValue(x, 0, 80), special, matrix),
  ["Concat", "of columns", ({ a, b }) => tf.concat([a, b], 1), { a: matrix, b: special }],
  ["Concat", "of rows", ({ a, b }) => tf.concat([a, b, a], 0), { a: matrix, b: of([1, 4]) }],
  ["Concat", "with a constant", ({ a }) => tf.concat([a, tf.ones([3, 2])], -1), { a: matrix }],
  convolution("Conv2D", "same", (x, w) => tf.conv2d(x, w, 2, "same"), image, filter),
  convolution(
    "Conv2D",
    "of rank 3",
    (x, w) => tf.conv2d(tf.reshape(x, [10, 6, 3]) as tf.Tensor3D, w, 1, "valid"),
    image,
    filter,
  ),
  convolution("Conv2D", "of a constant", (x, w) => tf.add(tf.conv2d(tf.onesLike(x), w, 1, "same"), 1), image, filter),
  convolution(
    "Conv2DBackpropInput",
    "transposed",
    (x, w) => tf.conv2dTranspose(x, tf.transpose(w, [0, 1, 3, 2]), [2, 10, 12, 2], 2, "same"),
    image,
    filter,
  ),
  convolution(
    "Conv2DBackpropFilter",
    "gradient",
    (x, w) => slope((w) => tf.square(tf.conv2d(x, w as tf.Tensor4D, 2, "same")))(w, tf.scalar(1)),
    image,
    filter,
  ),
  one("Cumsum", "of rows", (a) => tf.cumsum(a, 1)),
  one("Cumsum", "of columns, exclusive, from the end", (a) => tf.cumsum(a, 0, true, true), someSpecial),
  gradient("Cumsum", "of rows", (x) => tf.cumsum(x, 1)),
  ...unary("Elu", tf.elu),
  eluGradient("of a matrix", matrix, of([3, 4], 0.5, 2)),
  eluGradient("of special values", special, of([3, 4], 0.5, 2)),
  eluGradient("with special slopes above it", matrix, someSpecial),
  ...comparison("Equal", tf.equal),
  ...unary("Exp", tf.exp),
  one("ExpandDims", "in front", (a) => tf.expandDims(a, 0)),
  one("ExpandDims", "behind", (a) => tf.expandDims(a, -1)),
  ...unary("Expm1", tf.expm1),
  one("Expm1", "of small values", (a) => tf.mul(tf.expm1(a), 1e6), of([20], -1e-6, 1e-6)),
  one("Fill", "of numbers", (a) => tf.add(a, tf.fill([3, 4], 0.5))),
  one("Fill", "of booleans", (a) => tf.add(a, tf.cast(tf.fill([4], 1, "bool"), "float32"))),
  one("Fill", "as the result", (a) => tf.concat([a, tf.fill([1, 4], Number.NaN)], 0)),
  one("GatherV2", "of rows", (a) => tf.gather(a, tf.tensor1d([2, 0, 2], "int32")), special),
  one("GatherV2", "of columns by a matrix", (a) =>
    tf.gather(
      a,
      tf.tensor2d(
        [
          [3, 0],
          [1, 1],
        ],
        [2, 2],
        "int32",
      ),
      1,
    ),
  ),
  one("GatherV2", "by a scalar", (a) => tf.gather(a, tf.scalar(1, "int32"), 1)),
  one("GatherV2", "by repeated indices", (a) => tf.gather(a, tf.tensor1d([1, 1], "int32"))),
  ...comparison("Greater", tf.greater),
  ...comparison("GreaterEqual", tf.greaterEqual),
  ...unary("Identity", (x) => x.clone()),
  one("Identity", "of integers", (a) => tf.cast(a, "int32").clone()),
  one("Identity", "of a constant", (a) => tf.add(a, tf.ones([4]).clone())),
  ...comparison("Less", tf.less),
  ...comparison("LessEqual", tf.lessEqual),
  ...unary("Log", tf.log),
  ...unary("Log1p", tf.log1p),
  one("Log1p", "of small values", (a) => tf.mul(tf.log1p(a), 1e6), of([20], -1e-6, 1e-6)),
  one("Log1p", "of moderate values", (a) => tf.log1p(a), of([50], -0.99, 2)),
  logical("LogicalAnd", tf.logicalAnd),
  one("LogicalNot", "of a matrix", (a) => tf.cast(tf.logicalNot(tf.greater(a, 0)), "float32")),
  logical("LogicalOr", tf.logicalOr),
  ...reduction("Max", tf.max),
  gradient("Max", "of rows", (x) => tf.max(x, 1), matrix, of([3])),
  gradient("Max", "log-sum-exp of columns", (x) => tf.logSumExp(x, 0), matrix, of([4])),
  ...binary("Maximum", tf.maximum),
  gradient("Maximum", "of two matrices", (x) => tf.maximum(x, tf.square(x))),
  ...reduction("Mean", tf.mean),
  ...binary("Minimum", tf.minimum),
  gradient("Minimum", "of a matrix and a number", (x) => tf.minimum(x, 0.5)),
  ...binary("Multiply", tf.mul),
  ...unary("Neg", tf.neg),
  ...comparison("NotEqual", tf.notEqual),
  one("OnesLike", "of a matrix", (a) => tf.add(a, tf.onesLike(a))),
  one(
    "PadV2",
    "of a matrix",
    (a) =>
      tf.pad(a, [
        [1, 0],
        [0, 2],
      ]),
    special,
  ),
  one("PadV2", "with a number", (a) =>
    tf.pad(
      a,
      [
        [0, 0],
        [2, 1],
      ],
      0.5,
    ),
  ),
  one("PadV2", "of a constant", (a) =>
    tf.add(
      a,
      tf.pad(tf.ones([2, 4]), [
        [1, 0],
        [0, 0],
      ]),
    ),
  ),
  gradient(
    "PadV2",
    "of a matrix",
    (x) =>
      tf.pad(x, [
        [1, 2],
        [0, 3],
      ]),
    matrix,
    of([6, 7]),
  ),
  ...reduction("Prod", tf.prod),
  ...binary("RealDiv", tf.div),
  ...unary("Relu", tf.relu),
  one("Reshape", "of a matrix", (a) => tf.reshape(a, [2, 6])),
  one("Reshape", "with an inferred size", (a) => tf.reshape(a, [-1])),
  one("Reshape", "to a scalar", (a) => tf.reshape(a, []), array([3], [1, 1])),
  one("Reshape", "to its own shape", (a) => tf.reshape(a, [3, 4]), special),
  one("Reshape", "of integers", (a) => tf.reshape(tf.cast(a, "int32"), [2, 6])),
  one("Reshape", "of a constant", (a) => tf.add(a, tf.reshape(tf.ones([12]), [3, 4]))),
  one("Reshape", "of a row broadcast to a matrix", (a) => tf.reshape(tf.tile(a, [3, 1]), [6, 2]), of([1, 4])),
  one("Reverse", "of rows", (a) => tf.reverse(a, 1), special),
  one("Reverse", "of both axes", (a) => tf.reverse(a)),
  gradient("Reverse", "of columns", (x) => tf.reverse(x, 0), matrix, of([3, 4], 1, 2)),
  ...unary("Rsqrt", tf.rsqrt),
  ["Select", "by a matrix", ({ a, b }) => tf.where(tf.greater(a, 0), a, b), { a: special, b: matrix }],
  ["Select", "by a row, of a column", ({ a, b }) => tf.where(tf.greater(b, 0), a, b), { a: of([3, 1]), b: of([1, 4]) }],
  one("Select", "of a constant", (a) => tf.where(tf.greater(a, 0), a, tf.zerosLike(a))),
  [
    "Select",
    "of a matrix, gradient",
    ({ a, b }) => {
      const condition = tf.greater(b, 0);
      return slope((x) => tf.where(condition, tf.square(x), x))(a, a);
    },
    { a: matrix, b: special },
  ],
  ...unary("Sigmoid", tf.sigmoid),
  one("Slice", "of a matrix", (a) => tf.slice(a, [1, 0], [2, 3]), special),
  one("Slice", "to the end", (a) => tf.slice(a, [0, 1])),
  one("Slice", "of all", (a) => tf.slice(a, [0, 0], [3, 4])),
  one("Slice", "of integers", (a) => tf.cast(tf.slice(tf.cast(a, "int32"), [1, 1]), "float32")),
  one("Slice", "of a constant", (a) => tf.add(a, tf.slice(tf.ones([5, 4]), [1, 0], [3, 4]))),
  gradient("Slice", "of a matrix", (x) => tf.slice(x, [1, 1], [2, 2]), matrix, of([2, 2])),
  one("Softmax", "of a matrix", (a) => tf.softmax(a)),
  one("Softmax", "of large numbers", (a) => tf.softmax(a), array([1000, 999, -1000, 88, 89, 90], [2, 3])),
  gradient("Softmax", "of a matrix", (x) => tf.softmax(x), matrix, of([3, 4], 1, 2)),
  gradient("Max", "log-softmax of a matrix", (x) => tf.logSoftmax(x), matrix, of([3, 4], 1, 2)),
  ...unary("Softplus", tf.softplus),
  one("SplitV", "in two", (a) => tf.sub(...(tf.split(a, 2, 1) as [tf.Tensor, tf.Tensor]))),
  one("SplitV", "by sizes", (a) => tf.split(a, [1, 3], 1)[1], special),
  one("SplitV", "along the first axis", (a) => tf.split(a, [2, 1], 0)[0]),
  ...unary("Sqrt", tf.sqrt),
  ...unary("Square", tf.square),
  ...unary("Step", tf.step),
  ...unary("Step", (x) => tf.step(x, 0.5)),
  ...binary("Sub", tf.sub),
  one("StridedSlice", "by two", (a) => tf.stridedSlice(a, [0, 1], [3, 4], [2, 2]), special),
  one("StridedSlice", "backwards", (a) => tf.stridedSlice(a, [2, 3], [0, 0], [-1, -2])),
  one("StridedSlice", "backwards to the first", (a) => tf.stridedSlice(a, [0, 0], [0, 0], [-1, 1], 3, 3)),
  one("StridedSlice", "of a row", (a) => tf.stridedSlice(a, [1, 0], [2, 4], [1, 1], 0, 0, 0, 0, 1)),
  ...reduction("Sum", tf.sum),
  ...unary("Tanh", tf.tanh),
  one("Tile", "of a row", (a) => tf.tile(a, [3, 1]), of([1, 4])),
  one("Tile", "of a matrix", (a) => tf.tile(a, [2, 3]), special),
  gradient("Tile", "of a matrix", (x) => tf.tile(x, [2, 3]), matrix, of([6, 12])),
  one("Tile", "of a [1, 1] matrix", (a) => tf.tile(a, [2, 3]), array([5], [1, 1])),
  one("Transpose", "of a matrix", (a) => tf.transpose(a), special),
  one("Transpose", "of three axes", (a) => tf.transpose(a, [2, 0, 1]), of([2, 3, 4])),
  one("Transpose", "of a constant", (a) => tf.add(a, tf.transpose(tf.ones([4, 3])))),
  one("Transpose", "of integers", (a) => tf.cast(tf.transpose(tf.cast(a, "int32")), "float32")),
  gradient("Transpose", "of a matrix", (x) => tf.transpose(x), matrix, of([4, 3])),
  one("ZerosLike", "of a matrix", (a) => tf.add(a, tf.zerosLike(a))),
];
