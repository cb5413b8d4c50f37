// Geometry of a plane in the latent space, or of a line if Z = 1: z = origin + u · axes[0] + v · axes[1].

export type Point = readonly [u: number, v: number];

export interface Plane {
  /** [Z] */
  readonly origin: Float32Array;
  /** One or two orthonormal vectors [Z]. */
  readonly axes: readonly Float32Array[];
  /** Labels of the axes. */
  readonly names: readonly string[];
}

/** A rectangle of the plane. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

export interface Ellipse {
  readonly centre: Point;
  /** Half the axes at 1σ, the longer one first. */
  readonly radii: readonly [number, number];
  /** From u to the longer axis, counterclockwise, in radians. */
  readonly angle: number;
}

/** Labels of the axes of principal components, with their shares of the variance. */
export function componentNames(explained: readonly number[]): string[] {
  return explained.map((share, i) => `PC ${i + 1} (${Math.round(100 * share)}% of variance)`);
}

/** Mirrors axes that are opposite to those of another plane: the sign of a principal component is arbitrary. */
export function withSignsOf(plane: Plane, { axes }: Plane): Plane {
  const isOpposite = (axis: Float32Array, i: number) => axis.reduce((sum, a, d) => sum + a * axes[i][d], 0) < 0;
  return { ...plane, axes: plane.axes.map((axis, i) => (isOpposite(axis, i) ? axis.map((a) => -a) : axis)) };
}

/** The plane of two latent dimensions through 0, or the line of the one dimension. */
export function planeOfDimensions(dimZ: number, dimensions: readonly number[]): Plane {
  return {
    origin: new Float32Array(dimZ),
    axes: dimensions.map((dimension) => new Float32Array(dimZ).fill(1, dimension, dimension + 1)),
    names: dimensions.map((dimension) => `z${dimension + 1}`),
  };
}

/** Orthogonal projection of z. On a line, v is 0. */
export function project({ origin, axes }: Plane, z: ArrayLike<number>): Point {
  const along = (axis: Float32Array) => axis.reduce((sum, a, d) => sum + a * (z[d] - origin[d]), 0);
  return [along(axes[0]), axes.length > 1 ? along(axes[1]) : 0];
}

/** Projects [N, Z]. On a line, v spreads the points so that they do not cover each other. */
export function projectAll(plane: Plane, means: Float32Array): { u: Float32Array; v: Float32Array } {
  const dimZ = plane.origin.length;
  const count = means.length / dimZ;
  const [u, v] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const at = project(plane, means.subarray(i * dimZ, (i + 1) * dimZ));
    u[i] = at[0];
    v[i] = plane.axes.length > 1 ? at[1] : spread(i);
  }
  return { u, v };
}

/** The point z, moved parallel to the plane to (u, v). What is orthogonal to the plane stays. */
export function moveTo(plane: Plane, z: Float32Array, to: Point): Float32Array {
  const from = project(plane, z);
  const moved = z.slice();
  plane.axes.forEach((axis, i) => {
    for (let d = 0; d < moved.length; d++) moved[d] += (to[i] - from[i]) * axis[d];
  });
  return moved;
}

/** The points [N, Z] at (u, v) of each place, parallel to the plane through z. */
export function pointsAt(plane: Plane, z: Float32Array, places: readonly Point[]): Float32Array {
  const points = new Float32Array(places.length * z.length);
  places.forEach((place, i) => {
    points.set(moveTo(plane, z, place), i * z.length);
  });
  return points;
}

/** The projection of a Gaussian with independent dimensions: its covariance in the plane is A diag(σ²) Aᵀ. */
export function projectGaussian(plane: Plane, mean: Float32Array, sigma: Float32Array): Ellipse {
  const [a, b = new Float32Array(mean.length)] = plane.axes;
  const covariance = (x: Float32Array, y: Float32Array) => sigma.reduce((sum, s, d) => sum + x[d] * s * s * y[d], 0);
  const [uu, uv, vv] = [covariance(a, a), covariance(a, b), covariance(b, b)];
  const [half, offset] = [(uu + vv) / 2, Math.hypot((uu - vv) / 2, uv)];
  return {
    centre: project(plane, mean),
    radii: [Math.sqrt(half + offset), Math.sqrt(Math.max(0, half - offset))],
    angle: Math.atan2(2 * uv, uu - vv) / 2,
  };
}

/** The points of [N, Z] that are nearest to z, the nearest first. */
export function nearest(means: Float32Array, z: ArrayLike<number>, count: number, except?: number): number[] {
  const distances = distancesTo(means, z);
  const order = Array.from(distances.keys()).filter((i) => i !== except);
  return order.sort((i, j) => distances[i] - distances[j]).slice(0, count);
}

function distancesTo(means: Float32Array, z: ArrayLike<number>): Float64Array {
  const distances = new Float64Array(means.length / z.length);
  for (let i = 0; i < distances.length; i++) {
    for (let d = 0; d < z.length; d++) distances[i] += (means[i * z.length + d] - z[d]) ** 2;
  }
  return distances;
}

/** A number from −0.8 to 0.8 for each index, evenly spread: the golden ratio's sequence. */
function spread(index: number): number {
  return 1.6 * ((index * 0.6180339887498949) % 1) - 0.8;
}
