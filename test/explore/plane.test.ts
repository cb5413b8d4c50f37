// The geometry of the page's plane.
import { expect, it } from "vitest";
import { planeOfDimensions, withSignsOf } from "../../src/page/plane.js";
import { zoom } from "../../src/page/viewport.js";

it("mirrors principal components that turned around, and keeps the others", () => {
  const before = planeOfDimensions(3, [0, 1]);
  const after = { ...before, axes: [Float32Array.of(-0.8, 0.6, 0), Float32Array.of(0.6, 0.8, 0)] };
  const [first, second] = withSignsOf(after, before).axes;
  expect([...first]).toEqual([...Float32Array.of(0.8, -0.6, -0)]);
  expect(second).toBe(after.axes[1]);
});

it("zooms around a place, within limits", () => {
  const view = { centre: [0, 0], unit: 1 } as const;
  expect(zoom(view, 2, [10, 20])).toEqual({ centre: [5, 10], unit: 0.5 });
  const closest = zoom(view, 1e30, [10, 20]);
  expect(closest.unit).toBeGreaterThan(0);
  expect(zoom(closest, 2, [10, 20])).toEqual(closest);
  const farthest = zoom(view, 1e-30);
  expect(zoom(farthest, 0.5)).toEqual(farthest);
});
