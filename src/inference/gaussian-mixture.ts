// Mixtures of Gaussians with full covariances: EM and sampling, on the host in float64.
import { setImmediate } from "node:timers/promises";
import type { RandomStream } from "../random.js";
import { logSumExp } from "./information.js";

/** Σ_k weights_k N(means_k, L_k L_kᵀ) of K components in D dimensions. */
export interface GaussianMixture {
  readonly dims: number;
  /** [K], with sum 1. */
  readonly weights: Float64Array;
  /** [K, D] */
  readonly means: Float64Array;
  /** [K, D, D]: lower triangular factors L of the covariances. */
  readonly factors: Float64Array;
}

/** EM ends after MAX_STEPS, or once a step raises the mean log-likelihood of a point by less than TOLERANCE nats. */
const MAX_STEPS = 100;
const TOLERANCE = 1e-3;
/** Added to the variances, relative to the points' mean variance, so that no covariance is singular. */
const RIDGE = 1e-6;
/** A point with a smaller share of a component does not change its covariance in float64. */
const NEGLIGIBLE = 1e-16;

/**
 * Fits a mixture to points [N, D] by expectation–maximization (Dempster et al. 1977), initialized by `startMixture`.
 *
 * @param components K, at most N
 * @param onProgress called with the number of finished steps, of MAX_STEPS, and with MAX_STEPS at the end
 * @returns the mixture, with fewer components if there are fewer distinct points
 */
export async function fitMixture(
  points: Float32Array,
  dims: number,
  components: number,
  stream: RandomStream,
  onProgress?: (done: number, count: number) => void,
): Promise<GaussianMixture> {
  const start = startMixture(points, dims, components, stream);
  const mixture = await improveMixture(points, start, (_, step) => onProgress?.(step, MAX_STEPS));
  onProgress?.(MAX_STEPS, MAX_STEPS);
  return mixture;
}

/** Initializes a mixture: k-means++ draws centres (Arthur & Vassilvitskii 2007), each point joins the nearest. */
export function startMixture(
  points: Float32Array,
  dims: number,
  components: number,
  stream: RandomStream,
): GaussianMixture {
  const count = points.length / dims;
  const words = stream.fillWords(new Uint32Array(components));
  const nearest = new Float64Array(count).fill(1); // squared distances; equal, so that the first centre is uniform
  const owners = new Uint32Array(count);
  let K = 0;
  for (; K < components; K++) {
    const centre = drawIndex(nearest, words[K]);
    if (centre < 0) break; // every point is a centre
    for (let i = 0; i < count; i++) {
      let distance = 0;
      for (let d = 0; d < dims; d++) distance += (points[i * dims + d] - points[centre * dims + d]) ** 2;
      if (K > 0 && distance >= nearest[i]) continue;
      nearest[i] = distance;
      owners[i] = K;
    }
  }
  const shares = new Float64Array(count * K);
  for (let i = 0; i < count; i++) shares[i * K + owners[i]] = 1;
  return maximize(points, dims, shares, ridgeOf(points, dims));
}

/**
 * Repeats EM steps until the likelihood converges. Yields to the event loop between steps.
 *
 * @param onStep called before each step with the mean log-likelihood of a point, in nats, and the steps done
 */
export async function improveMixture(
  points: Float32Array,
  start: GaussianMixture,
  onStep?: (logLikelihood: number, step: number) => void,
): Promise<GaussianMixture> {
  const { dims, weights } = start;
  const ridge = ridgeOf(points, dims);
  const shares = new Float64Array((points.length / dims) * weights.length);
  let mixture = start;
  let before = -Infinity;
  for (let step = 0; step < MAX_STEPS; step++) {
    const logLikelihood = expect(points, mixture, shares);
    onStep?.(logLikelihood, step);
    if (logLikelihood - before < TOLERANCE) break;
    before = logLikelihood;
    mixture = maximize(points, dims, shares, ridge);
    await setImmediate();
  }
  return mixture;
}

/** The E step: fills `shares` [N, K] with p(component|point). @returns the mean log-likelihood of a point, in nats */
function expect(points: Float32Array, mixture: GaussianMixture, shares: Float64Array): number {
  const { dims, weights } = mixture;
  const [count, K] = [points.length / dims, weights.length];
  for (let k = 0; k < K; k++) fillLogDensities(points, mixture, k, shares);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const row = shares.subarray(i * K, (i + 1) * K);
    const total = logSumExp(row);
    for (let k = 0; k < K; k++) row[k] = Math.exp(row[k] - total);
    sum += total;
  }
  return sum / count;
}

/** Fills column k of `out` [N, K] with log weights_k N(x; means_k, L_k L_kᵀ). */
function fillLogDensities(points: Float32Array, mixture: GaussianMixture, k: number, out: Float64Array): void {
  const { dims, weights, means, factors } = mixture;
  const factor = factors.subarray(k * dims * dims, (k + 1) * dims * dims);
  let constant = Math.log(weights[k]) - 0.5 * dims * Math.log(2 * Math.PI);
  for (let d = 0; d < dims; d++) constant -= Math.log(factor[d * dims + d]);
  const solved = new Float64Array(dims); // L⁻¹ (x − mean)
  for (let i = 0; i < points.length / dims; i++) {
    let square = 0;
    for (let d = 0; d < dims; d++) {
      let rest = points[i * dims + d] - means[k * dims + d];
      for (let e = 0; e < d; e++) rest -= factor[d * dims + e] * solved[e];
      solved[d] = rest / factor[d * dims + d];
      square += solved[d] ** 2;
    }
    out[i * weights.length + k] = constant - 0.5 * square;
  }
}

/** The M step: weights, means and covariances of the points, weighted by `shares` [N, K]. */
function maximize(points: Float32Array, dims: number, shares: Float64Array, ridge: number): GaussianMixture {
  const count = points.length / dims;
  const K = shares.length / count;
  const weights = new Float64Array(K);
  const means = new Float64Array(K * dims);
  const factors = new Float64Array(K * dims * dims);
  for (let k = 0; k < K; k++) {
    const mean = means.subarray(k * dims, (k + 1) * dims);
    const factor = factors.subarray(k * dims * dims, (k + 1) * dims * dims);
    let size = Number.MIN_VALUE; // not 0: a component may lose all points
    for (let i = 0; i < count; i++) size += shares[i * K + k];
    for (let i = 0; i < count; i++) {
      const share = shares[i * K + k] / size;
      for (let d = 0; d < dims; d++) mean[d] += share * points[i * dims + d];
    }
    const difference = new Float64Array(dims);
    for (let i = 0; i < count; i++) {
      const share = shares[i * K + k] / size;
      if (share < NEGLIGIBLE) continue;
      for (let d = 0; d < dims; d++) difference[d] = points[i * dims + d] - mean[d];
      for (let d = 0; d < dims; d++) {
        const weighted = share * difference[d];
        for (let e = 0; e <= d; e++) factor[d * dims + e] += weighted * difference[e];
      }
    }
    weights[k] = size / count;
    factorize(factor, dims, ridge);
  }
  return { dims, weights, means, factors };
}

/** Replaces the lower triangle of a covariance [D, D] by its Cholesky factor, with `ridge` added to the diagonal. */
function factorize(matrix: Float64Array, dims: number, ridge: number): void {
  for (let d = 0; d < dims; d++) {
    for (let e = 0; e <= d; e++) {
      let sum = matrix[d * dims + e] + (d === e ? ridge : 0);
      for (let f = 0; f < e; f++) sum -= matrix[d * dims + f] * matrix[e * dims + f];
      // Rounding may make a variance near 0 negative.
      matrix[d * dims + e] = d === e ? Math.sqrt(Math.max(sum, ridge)) : sum / matrix[e * dims + e];
    }
  }
}

function ridgeOf(points: Float32Array, dims: number): number {
  const count = points.length / dims;
  const means = new Float64Array(dims);
  for (let at = 0; at < points.length; at++) means[at % dims] += points[at] / count;
  let squares = 0;
  for (let at = 0; at < points.length; at++) squares += (points[at] - means[at % dims]) ** 2;
  return RIDGE * Math.max(squares / points.length, 1e-30);
}

/** Draws a point from the mixture: [D]. */
export function drawPoint({ dims, weights, means, factors }: GaussianMixture, stream: RandomStream): Float64Array {
  const k = drawIndex(weights, stream.fillWords(new Uint32Array(1))[0]);
  const epsilon = stream.fillNormals(new Float32Array(dims));
  const point = means.slice(k * dims, (k + 1) * dims);
  for (let d = 0; d < dims; d++) {
    for (let e = 0; e <= d; e++) point[d] += factors[(k * dims + d) * dims + e] * epsilon[e];
  }
  return point;
}

/** Draws an index with probability proportional to weights. @param word 32 random bits @returns −1 if all are 0 */
function drawIndex(weights: Float64Array, word: number): number {
  const threshold = ((word + 0.5) / 2 ** 32) * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  let last = -1;
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    last = i;
    sum += weight;
    if (sum > threshold) break;
  }
  return last;
}
