// Creates a model's random draws on the host, from their specs.
import type { RandomStream } from "../random.js";
import { type HostArray, mapTree, sizeOf } from "../tree.js";
import type { DrawSpec, Phase, Specs } from "./specs.js";

/** Draws by name: [rows, …shape], with a row for each image or for each draw of z. */
export type HostDraws = { readonly [name: string]: HostArray };

/** Allocates arrays for the draws of some phases, with L draws of z for each image. */
export function createDraws({ draws }: Specs, phases: readonly Phase[], images: number, L: number): HostDraws {
  const needed = Object.entries(draws).filter(([, { phase }]) => phases.includes(phase));
  return Object.fromEntries(
    needed.map(([name, { shape, per, kind }]) => {
      const rows = per === "image" ? images : images * L;
      const size = rows * sizeOf(shape);
      const data = typeof kind === "string" ? new Float32Array(size) : new Uint8Array(size);
      return [name, { data, shape: [rows, ...shape] }];
    }),
  );
}

/** Fills the draws of one phase from a random stream, in the order of the specs. */
export function fillDraws(draws: HostDraws, { draws: specs }: Specs, phase: Phase, stream: RandomStream): void {
  for (const [name, { data }] of Object.entries(draws)) {
    if (specs[name].phase === phase) fill(data, specs[name].kind, stream);
  }
}

/** Selects the rows of `count` images from `first`, in arrays with rows for `images` images. Shares their memory. */
export function rowsOfImages<Arrays>(arrays: Arrays, images: number, first: number, count: number): Arrays {
  return mapTree(arrays, ({ data, shape: [rows, ...rest] }: HostArray) => {
    const perImage = data.length / images;
    const selected = data.subarray(first * perImage, (first + count) * perImage);
    return { data: selected, shape: [(rows / images) * count, ...rest] };
  });
}

function fill(data: HostArray["data"], kind: DrawSpec["kind"], stream: RandomStream): void {
  if (data instanceof Uint8Array) {
    if (typeof kind === "object") stream.fillBernoulli(data, kind.bernoulli);
  } else if (kind === "normal") stream.fillNormals(data);
  else data.set(stream.fillUniform(data, 0.5).map((value) => value + 0.5));
}
