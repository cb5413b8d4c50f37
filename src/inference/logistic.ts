// Multinomial logistic regression, in float64. Deterministic.
import { logSumExp } from "./information.js";

/** A row-major matrix: count × width. */
export interface Rows {
  readonly data: ArrayLike<number>;
  readonly width: number;
}

/** Steps kept by L-BFGS (Liu & Nocedal 1989). */
const MEMORY = 10;
const MAX_STEPS = 200;
/** Converged if no derivative of the mean loss exceeds this, in nats. */
const TOLERANCE = 1e-4;

/**
 * Fits logits W x + b to classes: minimizes Σ_i −log softmax(W x_i + b)_class + ½‖W‖², the objective of scikit-learn's
 * LogisticRegression with C = 1.
 *
 * @param classes of the rows, from 0 to K − 1
 * @returns a function from a row to its K logits, in an array reused by all calls
 */
export function fitLogistic(
  rows: Rows,
  classes: ArrayLike<number>,
  K: number,
): (data: ArrayLike<number>, row: number) => Float64Array {
  const { data, width } = rows;
  const logits = new Float64Array(K);
  const score = (weights: Float64Array, from: ArrayLike<number>, row: number) => {
    for (let k = 0; k < K; k++) {
      let sum = weights[K * width + k];
      for (let d = 0; d < width; d++) sum += weights[k * width + d] * from[row * width + d];
      logits[k] = sum;
    }
    return logits;
  };
  const loss: Objective = (weights, gradient) => {
    gradient.fill(0);
    const count = classes.length;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const total = logSumExp(score(weights, data, i));
      sum += total - logits[classes[i]];
      for (let k = 0; k < K; k++) {
        const residual = (Math.exp(logits[k] - total) - (k === classes[i] ? 1 : 0)) / count;
        gradient[K * width + k] += residual;
        for (let d = 0; d < width; d++) gradient[k * width + d] += residual * data[i * width + d];
      }
    }
    for (let at = 0; at < K * width; at++) {
      sum += 0.5 * weights[at] ** 2;
      gradient[at] += weights[at] / count;
    }
    return sum / count;
  };
  const weights = minimize(loss, new Float64Array(K * (width + 1)));
  return (from, row) => score(weights, from, row);
}

/** Fills `gradient` and returns the value. */
type Objective = (point: Float64Array, gradient: Float64Array) => number;

/** Minimizes a convex function by L-BFGS with backtracking: halves a step until it meets the Armijo condition. */
export function minimize(of: Objective, start: Float64Array): Float64Array {
  let point = start;
  let gradient = new Float64Array(start.length);
  let value = of(point, gradient);
  const steps: Step[] = [];
  for (let n = 0; n < MAX_STEPS && largestSize(gradient) > TOLERANCE; n++) {
    const direction = descent(gradient, steps);
    const slope = dot(direction, gradient);
    const next = new Float64Array(start.length);
    const nextGradient = new Float64Array(start.length);
    let nextValue = Infinity;
    for (let size = 1; !(nextValue <= value + 1e-4 * size * slope); size /= 2) {
      if (size < 1e-12) return point;
      for (let i = 0; i < next.length; i++) next[i] = point[i] + size * direction[i];
      nextValue = of(next, nextGradient);
    }
    const moved = next.map((x, i) => x - point[i]);
    const bent = nextGradient.map((x, i) => x - gradient[i]);
    const product = dot(moved, bent);
    if (product > 0) steps.push({ moved, bent, product });
    if (steps.length > MEMORY) steps.shift();
    [point, gradient, value] = [next, nextGradient, nextValue];
  }
  return point;
}

/** The changes of point and gradient in a step, and their dot product. */
interface Step {
  readonly moved: Float64Array;
  readonly bent: Float64Array;
  readonly product: number;
}

/** The direction −H g, with the inverse Hessian H estimated from the steps (Nocedal & Wright 2006, algorithm 7.4). */
function descent(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = gradient.map((x) => -x);
  const shares: number[] = [];
  for (const { moved, bent, product } of steps.toReversed()) {
    const share = dot(moved, direction) / product;
    addScaled(direction, bent, -share);
    shares.unshift(share);
  }
  const last = steps.at(-1);
  const scale = last ? last.product / dot(last.bent, last.bent) : 1;
  for (let i = 0; i < direction.length; i++) direction[i] *= scale;
  for (const [i, { moved, bent, product }] of steps.entries()) {
    addScaled(direction, moved, shares[i] - dot(bent, direction) / product);
  }
  return direction;
}

function addScaled(to: Float64Array, x: Float64Array, scale: number): void {
  for (let i = 0; i < to.length; i++) to[i] += scale * x[i];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function largestSize(x: Float64Array): number {
  return x.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
