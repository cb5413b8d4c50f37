// Each kernel that the compiled engine lowers, against the plain JavaScript backend.
import * as tf from "@tensorflow/tfjs";
import { afterAll, describe, expect, it } from "vitest";
import { kernels } from "../../src/engine/compiled/kernels.js";
import type { HostArray } from "../../src/tree.js";
import { array, open, weyl } from "../helpers.js";

type Inputs = { readonly [name: string]: tf.Tensor };
type Fn = (inputs: Inputs) => tf.Tensor;

const matrix = array(weyl(12, -3, 3), [3, 4]);
const other = array(weyl(12, 0.5, 2, 5), [3, 4]);
const row = array(weyl(4, 1, 2), [1, 4]);
const column = array(weyl(3, -2, -1), [3, 1]);
const positive = array(weyl(12, 0.1, 9), [3, 4]);
const extremes = array([0, -0, 1e-30, -1e-30, 80, -80, 200, -200, Infinity, -Infinity, Number.NaN, 1], [3, 4]);
const finite = array([0, -0, 1e-30, -1e-30, 80, -80, 1, -1, 30, -30, 15, -15], [3, 4]);

const unary =
  (fn: (x: tf.Tensor) => tf.Tensor): Fn =>
  (inputs) =>
    fn(inputs.a);
const binary =
  (fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Fn =>
  (inputs) =>
    fn(inputs.a, inputs.b);

const pairs: [string, HostArray, HostArray][] = [
  ["of one shape", matrix, other],
  ["a row", matrix, row],
  ["a column", column, other],
  ["a row and a column", column, row],
  ["a scalar", matrix, array([1.5], [])],
  ["a vector", matrix, array(weyl(4), [4])],
];

const cases: [kernel: keyof typeof kernels, what: string, fn: Fn, inputs: Record<string, HostArray>][] = [
  ...(
    [
      ["Add", tf.add],
      ["Sub", tf.sub],
      ["Multiply", tf.mul],
      ["RealDiv", tf.div],
    ] as const
  ).flatMap(([kernel, fn]) =>
    pairs.map(([what, a, b]): (typeof cases)[number] => [kernel, what, binary(fn), { a, b }]),
  ),
  ...(
    [
      ["Abs", tf.abs, extremes],
      ["Elu", tf.elu, extremes],
      ["Exp", tf.exp, extremes],
      ["Log", tf.log, positive],
      ["Log", tf.log, array([0, 1, Infinity, Number.NaN])],
      ["Neg", tf.neg, extremes],
      ["Relu", tf.relu, finite],
      ["Sigmoid", tf.sigmoid, extremes],
      ["Softplus", tf.softplus, finite],
      ["Sqrt", tf.sqrt, positive],
      ["Sqrt", tf.sqrt, array([0, Infinity, -1])],
      ["Step", tf.step, finite],
      ["Step", (x: tf.Tensor) => tf.step(x, 0.5), finite],
      ["Square", tf.square, extremes],
      ["Tanh", tf.tanh, extremes],
    ] as const
  ).map(([kernel, fn, a]): (typeof cases)[number] => [kernel, `of ${a.data[0]}, …`, unary(fn), { a }]),
  ["BatchMatMul", "plain", binary((a, b) => tf.matMul(a, b)), { a: matrix, b: array(weyl(20), [4, 5]) }],
  ["BatchMatMul", "first turned", binary((a, b) => tf.matMul(a, b, true)), { a: matrix, b: array(weyl(15), [3, 5]) }],
  [
    "BatchMatMul",
    "second turned",
    binary((a, b) => tf.matMul(a, b, false, true)),
    { a: matrix, b: array(weyl(20), [5, 4]) },
  ],
  [
    "BatchMatMul",
    "both turned",
    binary((a, b) => tf.matMul(a, b, true, true)),
    { a: matrix, b: array(weyl(15), [5, 3]) },
  ],
  ["BatchMatMul", "a constant", unary((a) => tf.matMul(a as tf.Tensor2D, tf.ones([4, 2]))), { a: matrix }],
  ["Cast", "to integers and back", unary((a) => a.toInt().toFloat()), { a: matrix }],
  ["Concat", "of columns", binary((a, b) => tf.concat([a, b], 1)), { a: matrix, b: other }],
  ["Concat", "of rows", binary((a, b) => tf.concat([a, b, a], 0)), { a: matrix, b: row }],
  ["Identity", "of a clone", unary((a) => a.clone()), { a: matrix }],
  ["Max", "of all", unary((a) => tf.max(a)), { a: matrix }],
  ["Max", "along an axis", unary((a) => tf.max(a, 1)), { a: matrix }],
  ["Max", "that keeps its axis", unary((a) => tf.max(a, 0, true)), { a: matrix }],
  ["Mean", "of all", unary((a) => tf.mean(a)), { a: matrix }],
  ["Mean", "along an axis", unary((a) => tf.mean(a, 1)), { a: matrix }],
  ["Prod", "of all", unary((a) => tf.prod(a)), { a: matrix }],
  ["Prod", "along an axis", unary((a) => tf.prod(a, 1)), { a: matrix }],
  [
    "Prod",
    "of a constant that is held as a scalar",
    unary((a) => tf.add(a, tf.prod(tf.mul(tf.ones([3, 4]), 2), 0))),
    { a: matrix },
  ],
  ["Reshape", "of a matrix", unary((a) => tf.reshape(a, [2, 6])), { a: matrix }],
  ["Reshape", "with a size left open", unary((a) => tf.reshape(a, [-1])), { a: matrix }],
  ["SplitV", "in two", unary((a) => tf.sub(...(tf.split(a, 2, 1) as [tf.Tensor, tf.Tensor]))), { a: matrix }],
  ["SplitV", "by sizes", unary((a) => tf.split(a, [1, 3], 1)[1]), { a: matrix }],
  ["Sum", "of all", unary((a) => tf.sum(a)), { a: matrix }],
  ["Sum", "along the first axis", unary((a) => tf.sum(a, 0)), { a: matrix }],
  ["Sum", "that keeps its axis", unary((a) => tf.sum(a, 1, true)), { a: matrix }],
  ["Sum", "of a constant that is held as a scalar", unary((a) => tf.add(a, tf.sum(tf.ones([7, 4]), 0))), { a: matrix }],
  ["Tile", "of a row", unary((a) => tf.tile(a, [3, 1])), { a: row }],
  ["Tile", "of a matrix", unary((a) => tf.tile(a, [2, 3])), { a: matrix }],
  [
    "EluGrad",
    "in a gradient",
    binary((a, b) => tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.elu(x), b)))(a)),
    { a: matrix, b: other },
  ],
];

const compiled = open("compiled");
const cpu = open("cpu");
afterAll(async () => {
  await (await compiled).close();
});

it("there is a test for every kernel", () => {
  expect(new Set(cases.map(([kernel]) => kernel))).toEqual(new Set(Object.keys(kernels)));
});

describe("lowered kernels", () => {
  it.each(cases)("%s, %s", async (_kernel, _what, fn, inputs) => {
    const run = (tensors: Inputs) => ({ result: fn(tensors) });
    const { result } = await (await compiled).call(run, inputs);
    const expected = (await (await cpu).call(run, inputs)).result;
    expect(result.shape).toEqual(expected.shape);
    expected.data.forEach((value, i) => {
      const actual = result.data[i];
      if (Number.isFinite(value)) expect(Math.abs(actual - value)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)));
      else expect(actual).toBe(value);
    });
  });
});
