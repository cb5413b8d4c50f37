// The classes of a conditional model.
import { describe, expect, it } from "vitest";
import { areClasses, checkLabels, findClasses, oneHot, placesOf } from "../../src/data/classes.js";

const set = (labels: number[], classes?: string[]) => ({
  count: labels.length,
  labels: Uint16Array.from(labels),
  ...(classes && { classes }),
});

describe("the classes of training images", () => {
  it("are listed in the order of their labels, with their counts", () => {
    expect(findClasses(set([7, 3, 7, 10]), "data")).toEqual([
      { name: "3", images: 1 },
      { name: "7", images: 2 },
      { name: "10", images: 1 },
    ]);
    const named = set([2, 0, 2], ["b", "unused", "a"]);
    expect(findClasses(named, "data").map(({ name }) => name)).toEqual(["b", "a"]);
  });

  it("are merged if labels share a name", () => {
    expect(findClasses(set([0, 1, 2], ["cat", "dog", "cat"]), "data")).toEqual([
      { name: "cat", images: 2 },
      { name: "dog", images: 1 },
    ]);
  });

  it.each([
    ["no labels", { count: 5 }, /^`conditional` needs labels, and the images of data have none\. Give .*\.$/],
    [
      "1,001 classes",
      set(Array.from({ length: 1001 }, (_, i) => i)),
      /^data has 1001 classes, and .* takes up to 1000\./,
    ],
    ["endless names", set([0, 1], ["x".repeat(3e5), "y"]), /^The names of the classes of data have more than 300000/],
  ])("are refused: %s", (_, images, problem) => {
    expect(() => findClasses(images, "data")).toThrow(problem);
  });

  it("may be up to a thousand", () => {
    expect(findClasses(set(Array.from({ length: 1000 }, (_, i) => 60_000 - i)), "data")).toHaveLength(1000);
  });
});

describe("labels of other data", () => {
  const classes = findClasses(set([0, 1], ["cat", "dog"]), "data");

  it("are matched by the names of their classes", () => {
    const other = set([5, 0, 5, 3], ["dog", "", "", "bird", "", "cat"]);
    expect(() => checkLabels({ ...other, count: 3 }, classes)).not.toThrow();
    expect([...placesOf(other, Uint32Array.of(0, 1, 2), classes)]).toEqual([0, 1, 0]);
    expect([...placesOf(other, Uint32Array.of(1), classes)]).toEqual([1]);
  });

  it.each([
    [
      "an unknown class",
      set([0], ["b\u001bird"]),
      "These images have the class b\\u001bird, and the model was trained on cat, dog.",
    ],
    ["labels without names", set([0]), "These images have the class 0, and the model was trained on cat, dog."],
    ["no labels", { count: 1 }, "These images have no labels"],
    ["too few labels", { ...set([0], ["cat"]), count: 2 }, "These images have no labels"],
  ])("are refused: %s", (_, images, problem) => {
    expect(() => checkLabels(images, classes)).toThrow(problem);
  });
});

it("oneHot puts a 1 at each position", () => {
  expect(oneHot([2, 0], 3)).toEqual({ data: Uint8Array.of(0, 0, 1, 1, 0, 0), shape: [2, 3] });
});

it.each([
  [[{ name: "a", images: 1 }], true],
  [[], false],
  [undefined, false],
  ["a", false],
  [["a"], false],
  [[{ name: "a", images: 0 }], false],
  [[{ name: 1, images: 1 }], false],
  [
    [
      { name: "a", images: 1 },
      { name: "a", images: 2 },
    ],
    false,
  ],
])("classes in config.json are checked: %o", (value, expected) => {
  expect(areClasses(value)).toBe(expected);
});
