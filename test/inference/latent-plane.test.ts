import { describe, expect, it } from "vitest";
import { gridPlaces, latentGrid, normalQuantile, toPlane } from "../../src/inference/latent-plane.js";
import { randomStream } from "../../src/random.js";

describe("the normal quantile", () => {
  // From Python: statistics.NormalDist().inv_cdf(p)
  it.each([
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.02, -2.053748910631823],
    [0.025, -1.9599639845400536],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.8, 0.8416212335729143],
    [0.999, 3.090232306167813],
  ])("of %d is %d", (p, expected) => {
    expect(Math.abs(normalQuantile(p) - expected)).toBeLessThan(1e-8 * Math.max(1, Math.abs(expected)));
  });
});

describe("a grid of the latent plane", () => {
  it("goes from −range to range, to the right and upwards", () => {
    const grid = latentGrid({ columns: 5, rows: 3, spacing: "linear", range: 2 });
    expect(grid).toEqual({ columns: [-2, -1, 0, 1, 2], rows: [2, 0, -2] });
    expect([...gridPlaces(grid)].slice(0, 12)).toEqual([-2, 2, -1, 2, 0, 2, 1, 2, 2, 2, -2, 0]);
  });

  it("by quantiles divides the prior into parts of equal probability", () => {
    const { columns } = latentGrid({ columns: 4, rows: 1, spacing: "quantile", range: 2 });
    // inv_cdf of 1/8, 3/8, 5/8, 7/8
    [-1.150349380376008, -0.3186393639643752, 0.3186393639643752, 1.150349380376008].forEach((z, i) => {
      expect(columns[i]).toBeCloseTo(z, 8);
    });
  });

  it("of one column is in the middle", () => {
    expect(latentGrid({ columns: 1, rows: 1, spacing: "linear", range: 2 })).toEqual({ columns: [0], rows: [0] });
  });
});

describe("latents in a plane", () => {
  it("of one or two dimensions are unchanged", async () => {
    const plane = await toPlane(Float32Array.of(1, 2, 3, 4), 2);
    expect(plane).toEqual({ x: Float32Array.of(1, 3), y: Float32Array.of(2, 4), origin: [0, 0] });
    expect(await toPlane(Float32Array.of(1, 2), 1)).toEqual({
      x: Float32Array.of(1, 2),
      y: new Float32Array(2),
      origin: [0, 0],
    });
  });

  it("have no shares of variance if all are equal, and no principal components if there is one", async () => {
    const alike = await toPlane(new Float32Array(30).fill(2), 3);
    expect(alike).not.toHaveProperty("explained");
    expect([...alike.x, ...alike.y].every((value) => Math.abs(value) < 1e-6)).toBe(true);
    await expect(toPlane(Float32Array.of(1, 2, 3), 3)).rejects.toThrow("need two images or more");
  });

  it("of three dimensions are projected on the directions of largest variance", async () => {
    // Standard deviation 5 along (0.6, 0.8, 0), 2 along (0, 0, 1) and none along the third direction, around (7, 8, 9).
    const draws = randomStream(0, "prior").fillNormals(new Float32Array(2000));
    const latents = Float32Array.from({ length: 3000 }, (_, at) => {
      const [a, b] = [5 * draws[2 * Math.floor(at / 3)], 2 * draws[2 * Math.floor(at / 3) + 1]];
      return [7 + 0.6 * a, 8 + 0.8 * a, 9 + b][at % 3];
    });
    const { x, y, origin, explained } = await toPlane(latents, 3);
    const along = (values: Float32Array, which: 0 | 1) => {
      const [expected, scale] = [draws.filter((_, i) => i % 2 === which), which === 0 ? 5 : 2];
      const product = values.reduce((sum, value, i) => sum + value * scale * expected[i], 0);
      const norms = Math.hypot(...values) * Math.hypot(...expected) * scale;
      return Math.abs(product / norms);
    };
    expect(along(x, 0)).toBeGreaterThan(0.995);
    expect(along(y, 1)).toBeGreaterThan(0.995);
    expect(x).toHaveLength(1000);
    expect(Math.abs(Math.abs(origin[0]) - 10.6)).toBeLessThan(0.6); // 0.6·7 + 0.8·8
    expect(Math.abs(Math.abs(origin[1]) - 9)).toBeLessThan(0.6);
    expect((explained as [number, number])[0]).toBeCloseTo(25 / 29, 1);
    expect((explained as [number, number])[0] + (explained as [number, number])[1]).toBeCloseTo(1, 6);
  });
});
