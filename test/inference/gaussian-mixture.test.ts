import { describe, expect, it } from "vitest";
import {
  drawPoint,
  fitMixture,
  type GaussianMixture,
  improveMixture,
  startMixture,
} from "../../src/inference/gaussian-mixture.js";
import { randomStream } from "../../src/random.js";
import reference from "../reference/latents.json" with { type: "json" };

const stream = (seed = 1) => randomStream(seed, "mixture start");

/** Uniform numbers from 0 to 1 by mulberry32, independent of the project's generator. */
function uniform(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (((word ^ (word >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  });
}

function normals(count: number): number[] {
  const [radii, angles] = [uniform(count, 2), uniform(count, 3)];
  return radii.map((u, i) => Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * angles[i]));
}

/** Mean and covariance of points in `dims` dimensions. */
function momentsOf(points: ArrayLike<number>, dims: number) {
  const count = points.length / dims;
  const mean = Array.from({ length: dims }, (_, d) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += points[i * dims + d];
    return sum / count;
  });
  const covariance = mean.flatMap((m, d) =>
    mean.map((n, e) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += (points[i * dims + d] - m) * (points[i * dims + e] - n);
      return sum / count;
    }),
  );
  return { mean, covariance };
}

/** L Lᵀ of a component. */
function covarianceOf({ dims, factors }: GaussianMixture, k: number): number[] {
  const factor = (d: number, e: number) => (e > d ? 0 : factors[(k * dims + d) * dims + e]);
  return Array.from({ length: dims * dims }, (_, at) => {
    const [d, e] = [Math.floor(at / dims), at % dims];
    return Array.from({ length: dims }, (_, f) => factor(d, f) * factor(e, f)).reduce((sum, x) => sum + x, 0);
  });
}

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, error: number) => {
  expect(actual).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i] - expected[i])).toBeLessThan(error);
};

/** Points of 0.3 N((−4, 0), diag(1, 0.25)) + 0.7 N((3, 1), …); the second component has correlated coordinates. */
function knownPoints(count: number): Float32Array {
  const noise = normals(2 * count);
  const isFirst = uniform(count).map((u) => u < 0.3);
  return Float32Array.from({ length: 2 * count }, (_, at) => {
    const i = at >> 1;
    const [a, b] = [noise[2 * i], noise[2 * i + 1]];
    if (isFirst[i]) return at % 2 ? 0.5 * b : -4 + a;
    return at % 2 ? 1 + 0.8 * a + 0.6 * b : 3 + a;
  });
}

describe("a mixture of Gaussians", () => {
  it("matches scikit-learn's EM steps from the same start", async () => {
    const { dims, start, logLikelihoods } = reference;
    const factors = start.weights.flatMap(() =>
      start.spreads.flatMap((spread, d) => start.spreads.map((_, e) => (d === e ? spread : 0))),
    );
    const seen: number[] = [];
    await improveMixture(
      Float32Array.from(reference.train.latents),
      {
        dims,
        weights: Float64Array.from(start.weights),
        means: Float64Array.from(start.means),
        factors: Float64Array.from(factors),
      },
      (logLikelihood) => seen.push(logLikelihood),
    );
    expect(seen.length).toBeGreaterThan(logLikelihoods.length);
    expectClose(seen.slice(1, logLikelihoods.length + 1), logLikelihoods, 1e-8);
  });

  it("of one component has the points' mean and covariance", async () => {
    const points = knownPoints(1000);
    const mixture = await fitMixture(points, 2, 1, stream());
    const { mean, covariance } = momentsOf(points, 2);
    expect([...mixture.weights]).toEqual([1]);
    expectClose(mixture.means, mean, 1e-9);
    expectClose(covarianceOf(mixture, 0), covariance, 1e-4);
  });

  it("recovers a known one", async () => {
    const mixture = await fitMixture(knownPoints(20_000), 2, 2, stream());
    const [first, second] = mixture.means[0] < 0 ? [0, 1] : [1, 0];
    expectClose([mixture.weights[first], mixture.weights[second]], [0.3, 0.7], 0.01);
    expectClose(mixture.means.subarray(2 * first, 2 * first + 2), [-4, 0], 0.05);
    expectClose(mixture.means.subarray(2 * second, 2 * second + 2), [3, 1], 0.05);
    expectClose(covarianceOf(mixture, first), [1, 0, 0, 0.25], 0.05);
    expectClose(covarianceOf(mixture, second), [1, 0.8, 0.8, 1], 0.05);
  });

  it.each([1, 2, 3])("never becomes less likely in a step of EM: seed %i", async (seed) => {
    const points = Float32Array.from(normals(900), (x, i) => x * (1 + (i % 3)) + (i % 7));
    const seen: number[] = [];
    await improveMixture(points, startMixture(points, 3, 6, stream(seed)), (value) => seen.push(value));
    expect(seen.length).toBeGreaterThan(5);
    // Tolerance for the ridge on the covariances.
    for (const [i, value] of seen.entries()) if (i > 0) expect(value - seen[i - 1]).toBeGreaterThan(-1e-6);
  });

  it("is reproducible for a seed, and starts differently for another", async () => {
    const points = Float32Array.from(normals(600));
    const fitted = (seed: number) => fitMixture(points, 3, 4, stream(seed));
    expect(await fitted(1)).toEqual(await fitted(1));
    expect(await fitted(2)).not.toEqual(await fitted(1));
  });

  it("has no more components than distinct points", async () => {
    const points = Float32Array.of(1, 1, 2, 1, 1, 2);
    const { weights, means } = await fitMixture(points, 1, 5, stream());
    expectClose([...weights].sort(), [1 / 3, 2 / 3], 1e-9);
    expectClose([...means].sort(), [1, 2], 1e-9);
    const alike = await fitMixture(new Float32Array(8).fill(3), 2, 3, stream());
    expectClose(drawPoint(alike, stream()), [3, 3], 1e-9);
  });

  it.each([
    ["large", 1e15],
    ["small", 1e-15],
  ])("handles numbers that are %s, and linearly dependent dimensions", async (_, scale) => {
    const [a, b] = [normals(400), uniform(400)];
    const points = Float32Array.from({ length: 1600 }, (_, at) => {
      const i = at >> 2;
      return scale * [a[i], b[i], a[i] + b[i], 7][at % 4];
    });
    const mixture = await fitMixture(points, 4, 5, stream());
    const point = drawPoint(mixture, stream(2));
    expect([...mixture.weights, ...mixture.means, ...mixture.factors, ...point].every(Number.isFinite)).toBe(true);
    expectClose([(point[0] + point[1]) / scale, point[3] / scale], [point[2] / scale, 7], 0.02);
  });

  it("draws points with its weights, means and covariances", () => {
    const mixture = {
      dims: 2,
      weights: Float64Array.of(0.25, 0, 0.75),
      means: Float64Array.of(-6, 1, 1e9, 1e9, 5, 0),
      factors: Float64Array.of(1, 0, 0.5, 0.2, 1, 0, 0, 1, 2, 0, -1, 0.5),
    };
    const count = 20_000;
    const points = Array.from({ length: count }, (_, i) => [...drawPoint(mixture, randomStream(3, "mixture", i))]);
    // The sign separates the components: their means are 6 and 2.5 standard deviations from 0.
    const [left, right] = [points.filter(([x]) => x < -2), points.filter(([x]) => x >= -2)];
    expect(Math.abs(left.length / count - 0.25)).toBeLessThan(0.01);
    const [first, last] = [left, right].map((some) => momentsOf(some.flat(), 2));
    expectClose(first.mean, [-6, 1], 0.05);
    expectClose(first.covariance, [1, 0.5, 0.5, 0.29], 0.05);
    expectClose(last.mean, [5, 0], 0.05);
    expectClose(last.covariance, [4, -2, -2, 1.25], 0.15);
  });
});
