// Cases on which all engines must agree: each function of a model, its training step and fifty steps in a row, for
// several sets of options, on small shapes. reference/parity.json has the float64 results of reference/parity.py.
import { createConfig, type GivenSettings } from "../src/config/config.js";
import { callProgram, type Program, scanProgram } from "../src/engine/compiled/program.js";
import type { Engine } from "../src/engine/engine.js";
import { buildParts } from "../src/model/build.js";
import { Model } from "../src/model/model.js";
import type { DrawSpec, Phase } from "../src/model/specs.js";
import { adamStepSize } from "../src/training/optimizer/adam.js";
import { firstSnapshot } from "../src/training/snapshot.js";
import { createTrainingStep } from "../src/training/step.js";
import { type HostArray, leaves, mapTree, sizeOf } from "../src/tree.js";
import { array, weyl, weylParams } from "./helpers.js";
import reference from "./reference/parity.json" with { type: "json" };

/** Arrays of numbers by name. */
export type Numbers = { readonly [name: string]: ArrayLike<number> };

/** A function or a scan of steps on given inputs. */
export interface ParityCase {
  readonly what: string;
  /** Float64 results by the paths of the outputs. */
  readonly expected: Numbers;
  /** The allowed ‖difference‖ / ‖expected‖ of each tensor in float32. */
  readonly tolerance: number;
  /** Whether it runs many steps, which amplify differences. */
  readonly isLong?: boolean;
  readonly run: (engine: Engine) => Promise<Numbers>;
  /** The compiled engine's ONNX model of the case. */
  readonly compile: () => Promise<Program<unknown>>;
}

const { height, width, classes: K, batch: B, steps: STEPS } = reference;
const shape = { height, width, channels: 1 };
const pixels = height * width;

export const PARITY: ParityCase[] = Object.entries(reference.cases).flatMap(([options, expected]) =>
  casesOf(expected.settings as GivenSettings, expected).map((one) => ({ ...one, what: `${one.what}, ${options}` })),
);

function casesOf(
  settings: GivenSettings,
  expected: (typeof reference.cases)[keyof typeof reference.cases],
): ParityCase[] {
  const config = createConfig(settings);
  const model = new Model(buildParts(config, { ...shape, classes: config.conditional ? K : 0 }));
  const { dimZ, specs } = model.parts;
  const params = weylParams(model, (name) => (name.endsWith("weight") ? 1 : 0.5));
  const sequence = (shape: number[], low: number, high: number, start: number) =>
    array(weyl(STEPS * sizeOf(shape), low, high, start), [STEPS, ...shape]);
  const bytes = (floats: HostArray, fn: (x: number) => number) => ({
    ...floats,
    data: Uint8Array.from(floats.data, fn),
  });
  const batches = {
    images: bytes(sequence([B, pixels], 0, 256, 0), Math.floor),
    ...(config.noise && { corrupted: sequence([B, pixels], 0, 2, 2000) }),
    ...(config.conditional && { labels: oneHots(weyl(STEPS * B, 0, K, 12000), [STEPS, B, K]) }),
  };
  const drawsOf = (phase: Phase, samples: number, draw: (rows: number[], spec: DrawSpec, i: number) => HostArray) => {
    const own = Object.entries(specs.draws).filter(([, spec]) => spec.phase === phase);
    return Object.fromEntries(
      own.map(([name, spec], i) => [name, draw([spec.per === "image" ? B : B * samples, ...spec.shape], spec, i)]),
    );
  };
  const normals = drawsOf("posterior", model.draws, (shape) => sequence(shape, -2, 2, 1000));
  const masks = drawsOf("training", model.draws, (shape, { kind }, i) => {
    const keep = typeof kind === "object" ? kind.bernoulli : 1;
    return bytes(sequence(shape, 0, 1, 3000 + 1000 * i), (uniform) => Number(uniform < keep));
  });
  const perStep = (value: (step: number) => number) => array(Array.from({ length: STEPS }, (_, step) => value(step)));
  const xs = {
    ...batches,
    draws: { ...normals, ...masks },
    ...(config.klWarmUp > 0 && { klWeight: perStep((step) => (config.beta * (step + 1)) / STEPS) }),
    stepSize: perStep((step) => adamStepSize(config.learningRate, step + 1, config)),
    ...(config.weightDecay > 0 && { decay: perStep(() => config.learningRate * config.weightDecay) }),
  };

  const first = <T>(tree: T, count: number): T =>
    mapTree(
      tree,
      ({ data, shape }: HostArray): HostArray => ({
        data: data.subarray(0, (data.length / STEPS) * count),
        shape: [count, ...shape.slice(1)],
      }),
    );
  const one = <T>(tree: T): T =>
    mapTree(first(tree, 1), ({ data, shape }: HostArray): HostArray => ({ data, shape: shape.slice(1) }));
  const [batch, draws] = [one(batches), one(normals)];
  const labels = batch.labels && { labels: batch.labels };
  const image = mapTree(
    batch,
    ({ data, shape: [, width] }: HostArray): HostArray => ({ data: data.subarray(0, width), shape: [1, width] }),
  );
  const eight = { "posterior.epsilon": array(weyl(8 * dimZ, -2, 2, 8000), [8, dimZ]) };
  const prior = drawsOf("prior", 1, (shape, { kind }, i) =>
    array(weyl(sizeOf(shape), kind === "uniform" ? 0 : -2, kind === "uniform" ? 1 : 2, 9000 + 1000 * i), shape),
  );
  const functions: [name: string, fn: (inputs: never) => unknown, inputs: unknown][] = [
    ["encode", model.encode, { params, batch }],
    ["decode", model.decode, { params, z: array(weyl(B * dimZ, -2, 2, 5000), [B, dimZ]), ...labels }],
    ["evaluate", model.evaluate, { params, draws, batch }],
    ["reconstruct", model.reconstruct, { params, draws, batch }],
    ["sample", model.sample, { params, draws: prior, ...labels }],
  ];
  if (model.isDrawn) {
    functions.push(["sampleLatents", model.sampleLatents, { params, draws, batch }]);
    functions.push(["logMeanImportanceWeight", model.logMeanImportanceWeight, { params, draws: eight, batch: image }]);
  }
  const calls = functions.map(
    ([what, fn, inputs]): ParityCase => ({
      what,
      expected: (expected.functions as Record<string, Numbers>)[what],
      tolerance: 2e-6,
      run: async (engine) => byPath(await engine.call(fn as never, inputs as never)),
      compile: () => callProgram(fn, inputs as never),
    }),
  );

  const step = createTrainingStep(model, config);
  const init = firstSnapshot(params).state;
  const scanOf = (what: string, count: number, numbers: unknown, tolerance: number): ParityCase => {
    const inputs = first(xs, count);
    return {
      what,
      expected: numbers as Numbers,
      tolerance,
      isLong: count > 1,
      run: async (engine) => {
        const [carry, y] = await engine.scan(step, init, inputs);
        return byPath({ carry, y });
      },
      compile: () => scanProgram(step, init, inputs),
    };
  };
  return [
    ...calls,
    scanOf("a training step", 1, expected.one, 1e-5),
    scanOf("fifty steps of scan", STEPS, expected.fifty, 5e-5),
  ];
}

/** One-hot rows of these positions, which are rounded down. */
function oneHots(places: readonly number[], shape: readonly number[]): HostArray {
  const data = new Uint8Array(sizeOf(shape));
  for (const [row, place] of places.entries()) data[row * (shape.at(-1) as number) + Math.floor(place)] = 1;
  return { data, shape };
}

function byPath(tree: unknown): Numbers {
  return Object.fromEntries(leaves(tree).map(([path, { data }]) => [path, data]));
}
