// The latent space as a plane to look at: places on a grid, and the two directions in which points vary most.
import { UserError } from "../errors.js";

/** How many places a grid has, and how they are spaced. */
export interface ManifoldGrid {
  readonly columns: number;
  readonly rows: number;
  /**
   * `linear`: evenly from −range to range, ends included. `quantile`: evenly in the prior's probability, at the normal quantiles of
   * (i + ½) / n (Kingma & Welling 2014, Figure 4).
   */
  readonly spacing: "linear" | "quantile";
  /** Of linear spacing. */
  readonly range: number;
}

/** Where a grid's columns and rows lie. */
export interface LatentGrid {
  /** z1, growing to the right. */
  readonly columns: readonly number[];
  /** z2 from the top: falling, so that it grows upwards, as in a plot. */
  readonly rows: readonly number[];
}

export function latentGrid({ columns, rows, spacing, range }: ManifoldGrid): LatentGrid {
  const axis = (n: number) =>
    Array.from({ length: n }, (_, i) => {
      if (spacing === "quantile") return normalQuantile((i + 0.5) / n);
      return n === 1 ? 0 : range * ((2 * i) / (n - 1) - 1);
    });
  return { columns: axis(columns), rows: axis(rows).reverse() };
}

/** The places of a grid, row by row from the top: [rows·columns, 2]. */
export function gridPlaces({ columns, rows }: LatentGrid): Float32Array {
  return Float32Array.from(rows.flatMap((z2) => columns.flatMap((z1) => [z1, z2])));
}

/**
 * The value below which a standard normal draw falls with probability p, 0 < p < 1: P. J. Acklam's rational approximation (2003), of
 * relative error 1.15·10⁻⁹.
 */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  const polynomial = (coefficients: readonly number[], x: number) => coefficients.reduce((sum, c) => sum * x + c, 0);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      polynomial(
        [
          -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
          2.938163982698783,
        ],
        q,
      ) / polynomial([7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1], q)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    (q *
      polynomial(
        [
          -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
          2.506628277459239,
        ],
        r,
      )) /
    polynomial(
      [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1],
      r,
    )
  );
}

/** Points in a plane, and what their axes are. */
export interface PlanePoints {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /**
   * Of the principal components, the share of the variance that they have. Undefined where the axes are z1 and z2, and where the points
   * are all alike.
   */
  readonly explained?: readonly [number, number];
}

/**
 * Points of the latent space in a plane: as they are where it is one, else by their first two principal components.
 *
 * @param latents count × dimZ; with one dimension, y is 0
 * @throws UserError if principal components are wanted of one point
 */
export async function toPlane(latents: Float32Array, dimZ: number): Promise<PlanePoints> {
  const column = (j: number) => Float32Array.from({ length: latents.length / dimZ }, (_, i) => latents[i * dimZ + j]);
  if (dimZ === 1) return { x: column(0), y: new Float32Array(latents.length) };
  if (dimZ === 2) return { x: column(0), y: column(1) };
  if (latents.length === dimZ) {
    throw new UserError(`The principal components of ${dimZ} dimensions need two images or more.`);
  }
  const { PCA } = await import("ml-pca");
  const points = Array.from({ length: latents.length / dimZ }, (_, i) => [
    ...latents.subarray(i * dimZ, (i + 1) * dimZ),
  ]);
  const pca = new PCA(points, { method: "covarianceMatrix" });
  const projected = pca.predict(points, { nComponents: 2 });
  const [first, second] = pca.getExplainedVariance();
  return {
    x: Float32Array.from(projected.getColumn(0)),
    y: Float32Array.from(projected.getColumn(1)),
    ...(Number.isFinite(first) && { explained: [first, second] as const }),
  };
}
