// The latent space in two dimensions: grids of z, and principal components.
import { UserError } from "../errors.js";
import { mean } from "../model/bounds.js";

/** A grid of points in a latent plane. `range` is for linear spacing. */
export interface ManifoldGrid {
  readonly columns: number;
  readonly rows: number;
  /**
   * `linear`: equidistant from −range to range. `quantile`: equal prior probability between points, at the normal
   * quantiles of (i + ½) / n (Kingma & Welling 2014, Figure 4).
   */
  readonly spacing: "linear" | "quantile";
  readonly range: number;
}

/** z1 of the columns from left to right, and z2 of the rows from the top: z2 grows upwards, as in a plot. */
type LatentGrid = Record<"columns" | "rows", readonly number[]>;

/** The coordinates of a grid. */
export function latentGrid({ columns, rows, spacing, range }: ManifoldGrid): LatentGrid {
  const axis = (n: number) =>
    Array.from({ length: n }, (_, i) => {
      if (spacing === "quantile") return normalQuantile((i + 0.5) / n);
      return n === 1 ? 0 : range * ((2 * i) / (n - 1) - 1);
    });
  return { columns: axis(columns), rows: axis(rows).reverse() };
}

/** All points of a grid, row by row: [rows·columns, 2]. */
export function gridPlaces({ columns, rows }: LatentGrid): Float32Array {
  return Float32Array.from(rows.flatMap((z2) => columns.flatMap((z1) => [z1, z2])));
}

// Coefficients of P. J. Acklam's rational approximation of the normal quantile (2003).
const TAIL = {
  top: [
    -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  bottom: [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1],
};
const MIDDLE = {
  top: [
    -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
    2.506628277459239,
  ],
  bottom: [
    -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1,
  ],
};

/** The quantile of the standard normal distribution for 0 < p < 1, to a relative error of 1.15·10⁻⁹. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  const polynomial = (coefficients: readonly number[], x: number) => coefficients.reduce((sum, c) => sum * x + c, 0);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(TAIL.top, q) / polynomial(TAIL.bottom, q);
  }
  const q = p - 0.5;
  return (q * polynomial(MIDDLE.top, q * q)) / polynomial(MIDDLE.bottom, q * q);
}

interface PlanePoints {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The position of z = 0. */
  readonly origin: readonly [x: number, y: number];
  /** Share of the variance of each principal component. Undefined for z1 and z2, or if all points are equal. */
  readonly explained?: readonly [number, number];
}

/**
 * Projects latents, count × dimZ, to a plane: onto the first two principal components if dimZ > 2.
 *
 * @throws UserError if a single point has more than two dimensions
 */
export async function toPlane(latents: Float32Array, dimZ: number): Promise<PlanePoints> {
  const points = toPoints(latents, dimZ);
  const column = (j: number) => Float32Array.from(points, (point) => point[j] ?? 0);
  if (dimZ <= 2) return { x: column(0), y: column(1), origin: [0, 0] };
  if (points.length === 1) {
    throw new UserError(`The principal components of ${dimZ} dimensions need two images or more.`);
  }
  const pca = await fitComponents(points);
  const zero = new Array<number>(dimZ).fill(0);
  const projected = pca.predict([...points, zero], { nComponents: 2 });
  const [x, y] = [0, 1].map((component) => Float32Array.from(projected.getColumn(component)));
  const origin = [x[points.length], y[points.length]] as const;
  const [first, second] = pca.getExplainedVariance();
  const inPlane = { x: x.subarray(0, points.length), y: y.subarray(0, points.length), origin };
  return { ...inPlane, ...(Number.isFinite(first) && { explained: [first, second] as const }) };
}

/** The plane of the first two principal components: z = origin + u · axes[0] + v · axes[1]. */
export interface PrincipalPlane {
  readonly origin: Float32Array;
  /** Orthonormal. */
  readonly axes: readonly [Float32Array, Float32Array];
  /** Shares of the variance, 0 if all points are equal. */
  readonly explained: readonly [number, number];
}

/**
 * The titles of a plane's axes.
 *
 * @param isPrincipal whether the axes are principal components. `explained`: their shares of the variance, if known
 */
export function axisTitles(
  dimZ: number,
  isPrincipal: boolean,
  explained?: readonly [number, number],
): [x: string, y: string] {
  if (!isPrincipal) return ["z1", dimZ === 1 ? "(nothing: z has one dimension)" : "z2"];
  const [first, second] = [0, 1].map((i) => (explained ? `, ${(100 * explained[i]).toFixed(0)}% of the variance` : ""));
  return [`first principal component${first}`, `second principal component${second}`];
}

/** Multiplications for the covariances: about 1 s. */
const MAX_COVARIANCE_NUMBERS = 1e9;

/**
 * The principal plane of latents, count × dimZ. Of many dimensions, only the first points count.
 *
 * @returns undefined for two dimensions or fewer, or a single point
 */
export async function principalPlane(latents: Float32Array, dimZ: number): Promise<PrincipalPlane | undefined> {
  const max = Math.max(2, Math.floor(MAX_COVARIANCE_NUMBERS / dimZ ** 2));
  const points = toPoints(latents.subarray(0, max * dimZ), dimZ);
  if (dimZ <= 2 || points.length < 2) return undefined;
  const pca = await fitComponents(points);
  const vectors = pca.getEigenvectors();
  const axis = (component: number) => Float32Array.from(vectors.getColumn(component));
  const [first, second] = pca.getExplainedVariance();
  return {
    origin: Float32Array.from({ length: dimZ }, (_, j) => mean(points.map((point) => point[j]))),
    axes: [axis(0), axis(1)],
    explained: [first || 0, second || 0],
  };
}

function toPoints(latents: Float32Array, dimZ: number): number[][] {
  return Array.from({ length: latents.length / dimZ }, (_, i) => [...latents.subarray(i * dimZ, (i + 1) * dimZ)]);
}

async function fitComponents(points: number[][]) {
  const { PCA } = await import("ml-pca");
  return new PCA(points, { method: "covarianceMatrix" });
}
