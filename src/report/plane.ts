// The latent plane: test images as points, and the decoder for a live picture.
import type { Dataset } from "../data/dataset.js";
import { pack, packLabels } from "../explore/packed.js";
import { inferLatents } from "../inference/coding.js";
import { axisTitles, principalPlane } from "../inference/latent-plane.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import { latentPlot } from "../pictures/plots.js";
import type { PlaneContents } from "./contents.js";
import { encodeDecoder } from "./decoder.js";

const MAX_POINTS = 5000;
/** Points of the static plot, which takes 150 bytes for each. */
const MAX_PLOTTED = 800;

export interface Plane {
  readonly contents: PlaneContents;
  /** For print, and for readers without scripts. */
  readonly svg: string;
  readonly count: number;
  /** Shares of the variance of the two principal components, if these span the plane. */
  readonly explained: readonly [number, number] | undefined;
}

/** The plane of z1 and z2 or, of more dimensions, of the first two principal components of the test images' means. */
export async function drawPlane(model: LoadedModel, { test, classes }: Dataset): Promise<Plane> {
  const { isDrawn, parts } = model.model;
  const { dimZ } = parts;
  const images = { ...test, count: Math.min(MAX_POINTS, test.count) };
  const latents = await inferLatents(model, images, { ...model.config, noise: null }, "means");
  const principal = await principalPlane(latents, dimZ);
  const { origin, axes, explained } = principal ?? coordinatePlane(dimZ);
  const project = (z: Float32Array, axis: Float32Array = new Float32Array(dimZ)) =>
    axis.reduce((sum, a, d) => sum + a * (z[d] - origin[d]), 0);
  const column = (axis: Float32Array | undefined) =>
    Float32Array.from({ length: images.count }, (_, i) => project(latents.subarray(i * dimZ, (i + 1) * dimZ), axis));
  const [x, y] = [column(axes[0]), column(axes[1])];
  const zero = new Float32Array(dimZ);
  const prior =
    isDrawn && parts.hasNormalPrior ? ([project(zero, axes[0]), project(zero, axes[1])] as const) : undefined;
  const labels = images.labels?.subarray(0, images.count);
  const [xTitle, yTitle] = axisTitles(dimZ, explained !== undefined, explained);
  const count = Math.min(MAX_PLOTTED, images.count);
  const svg = await latentPlot({
    x: x.subarray(0, count),
    y: y.subarray(0, count),
    labels: labels?.subarray(0, count),
    ...(classes && { classes }),
    title: `${isDrawn ? "Posterior means" : "Latents"} of the first ${count} test images`,
    xTitle,
    yTitle,
    prior: dimZ > 1 ? prior : undefined,
  });
  const decoder = encodeDecoder(model);
  const contents: PlaneContents = {
    x: pack(x, [x.length]),
    y: pack(dimZ === 1 ? y.map((_, i) => spread(i)) : y, [y.length]),
    ...(explained && { explained }),
    origin: [...origin],
    axes: axes.map((axis) => [...axis]),
    ...packLabels(images),
    ...(prior && { prior }),
    ...(decoder && { decoder }),
  };
  return { contents, svg, count: images.count, explained };
}

/** The plane of z1 and z2, or the line of one dimension. */
function coordinatePlane(dimZ: number) {
  const axis = (i: number) => new Float32Array(dimZ).fill(1, i, i + 1);
  return { origin: new Float32Array(dimZ), axes: [axis(0), ...(dimZ > 1 ? [axis(1)] : [])], explained: undefined };
}

/** Heights of points on a line, from −0.8 to 0.8, so that they do not cover each other: the golden ratio's sequence. */
function spread(index: number): number {
  return 1.6 * ((index * 0.6180339887498949) % 1) - 0.8;
}
