import { expect, it } from "vitest";
import { leaves, mapTree, sizeOf } from "../src/tree.js";
import { array } from "./helpers.js";

const tree = { params: { "encoder.0.weight": array([1, 2, 3, 4], [2, 2]) }, absent: undefined, scalar: array([5], []) };

it("names leaves by their paths and skips undefined ones", () => {
  expect(leaves(tree).map(([path]) => path)).toEqual(["params/encoder.0.weight", "scalar"]);
});

it("maps leaves and keeps the structure", () => {
  expect(mapTree(tree, ({ shape }, path) => `${path} ${sizeOf(shape)}`)).toEqual({
    params: { "encoder.0.weight": "params/encoder.0.weight 4" },
    scalar: "scalar 1",
  });
});
