// Engines, arrays and comparisons for tests.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { inject } from "vitest";
import type { Config } from "../src/config/config.js";
import type { ImageShape } from "../src/data/pixels.js";
import type { Device, Engine, EngineName } from "../src/engine/engine.js";
import { openEngine } from "../src/engine/index.js";
import { buildParts } from "../src/model/build.js";
import { initialParams } from "../src/model/initialize.js";
import { Model } from "../src/model/model.js";
import { type HostArray, sizeOf } from "../src/tree.js";

/** The engines that run on this machine. */
export const ENGINES: readonly EngineName[] = inject("engines");

/** The engines on each device that they use, with a title. */
export const PLACES: readonly { readonly title: string; readonly name: EngineName; readonly device: Device }[] = [
  ...ENGINES.map((name) => ({ title: name, name, device: "cpu" as const })),
  ...(inject("gpu") ? [{ title: "compiled on the GPU", name: "compiled", device: "gpu" } as const] : []),
];

/** Copies the small data set and its run (49-16-2 units, two epochs) to `tiny` and `run` in a folder. */
export function copyTiny(home: string): void {
  const { data, run } = inject("tiny");
  const [dataset, copy] = [path.join(home, "tiny"), path.join(home, "run")];
  cpSync(data, dataset, { recursive: true });
  cpSync(run, copy, { recursive: true });
  const config = JSON.parse(readFileSync(path.join(copy, "config.json"), "utf8"));
  const settings = { ...config.settings, dataset };
  writeFileSync(path.join(copy, "config.json"), JSON.stringify({ ...config, settings }));
}

/** The Python interpreter, if it has these packages. setup.ts reports missing ones before all tests. */
export function pythonWith(...names: readonly string[]): string | undefined {
  const { program, packages } = inject("python");
  return names.every((name) => name in packages) ? program : undefined;
}

/** Opens an engine, and throws if it does not run. */
export async function open(
  name: EngineName,
  threads = Math.min(2, availableParallelism()),
  device: Device = "cpu",
): Promise<Engine> {
  return (await openEngine(name, threads, device)).engine;
}

/** Opens an engine on a device. */
export function openAt({ name, device }: (typeof PLACES)[number]): Promise<Engine> {
  return open(name, undefined, device);
}

/** The shape of images of one row of grey pixels. */
export function rowOf(pixels: number): ImageShape {
  return { height: 1, width: pixels, channels: 1 };
}

/** The model of these settings, for images with this number of pixels and classes. */
export function modelOf(config: Config, pixels: number, classes = 0): Model {
  return new Model(buildParts(config, { ...rowOf(pixels), classes }));
}

/** The initial weights of a model. */
export function firstParams(config: Config, pixels: number, seed = config.seed) {
  return initialParams(modelOf(config, pixels).parts.specs, seed);
}

/** Deterministic pseudorandom weights of a model, from −bound to bound. */
export function weylParams({ parts }: Model, boundOf: (name: string) => number, distance = 100) {
  return Object.fromEntries(
    Object.entries(parts.specs.params).map(([name, { shape }], i) => {
      const bound = boundOf(name);
      return [name, array(weyl(sizeOf(shape), -bound, bound, distance * i), shape)];
    }),
  );
}

export function array(data: ArrayLike<number>, shape: readonly number[] = [data.length]): HostArray<Float32Array> {
  return { data: Float32Array.from(data), shape };
}

/** ‖actual − expected‖ / ‖expected‖ in float64, or ‖actual‖ if all expected values are zero. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers, but ${expected.length} expected`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

/** Deterministic pseudorandom numbers of Weyl's sequence, independent of the project's generator. */
export function weyl(count: number, low = -1, high = 1, start = 0): number[] {
  return Array.from({ length: count }, (_, i) => low + (high - low) * (((start + i + 1) * 0.6180339887498949) % 1));
}
