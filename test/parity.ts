// What every engine must agree on: each function of a model, its training step and fifty steps in a row, for several sets of
// options, on small shapes. reference/parity.json holds the same in float64, by reference/parity.py.
import type { GivenSettings } from "../src/config/config.js";
import { createConfig, drawsPerImage } from "../src/config/config.js";
import type { Program } from "../src/engine/compiled/program.js";
import { callProgram, scanProgram } from "../src/engine/compiled/program.js";
import type { Engine, Hosted } from "../src/engine/engine.js";
import { hiddenLayers, parameterShapes } from "../src/model/parameters.js";
import { Vae } from "../src/model/vae.js";
import { initialState } from "../src/training/loop.js";
import { adamStepSize } from "../src/training/optimizer/adam.js";
import type { StepInput } from "../src/training/step.js";
import { createTrainingStep } from "../src/training/step.js";
import type { HostArray, Tree } from "../src/tree.js";
import { leaves, mapTree, sizeOf } from "../src/tree.js";
import { array, weyl } from "./helpers.js";
import reference from "./reference/parity.json" with { type: "json" };

/** Numbers by name. */
export type Numbers = { readonly [name: string]: ArrayLike<number> };

/** A function or a run of steps on given inputs. */
export interface ParityCase {
  readonly what: string;
  /** By the paths of outputs, in float64. */
  readonly expected: Numbers;
  /** ‖difference‖ / ‖expected‖ of each tensor that float32 may be off by. */
  readonly tolerance: number;
  readonly run: (engine: Engine) => Promise<Numbers>;
  /** The compiled engine's ONNX model of it. */
  readonly compile: () => Promise<Program>;
}

const { pixels, batch: B, steps: STEPS } = reference;

export const PARITY: ParityCase[] = Object.entries(reference.cases).flatMap(([options, expected]) =>
  casesOf(expected.settings as GivenSettings, expected).map((one) => ({ ...one, what: `${one.what}, ${options}` })),
);

function casesOf(
  settings: GivenSettings,
  expected: (typeof reference.cases)[keyof typeof reference.cases],
): ParityCase[] {
  const config = createConfig(settings);
  const architecture = { pixels, ...config };
  const { dimZ, keepProb, model, noise } = config;
  const draws = drawsPerImage(config);
  const shapes = Object.entries(parameterShapes(architecture));
  const params = Object.fromEntries(
    shapes.map(([name, shape], i) => {
      const bound = name.endsWith("weight") ? 1 : 0.5;
      return [name, array(weyl(sizeOf(shape), -bound, bound, 100 * i), shape)];
    }),
  );
  const sequence = (shape: number[], low: number, high: number, start: number) =>
    array(weyl(STEPS * sizeOf(shape), low, high, start), [STEPS, ...shape]);
  const bytes = (floats: HostArray, fn: (x: number) => number) => ({
    ...floats,
    data: Uint8Array.from(floats.data, fn),
  });
  const batches = {
    images: bytes(sequence([B, pixels], 0, 256, 0), Math.floor),
    epsilon: model === "vae" ? sequence([B, draws, dimZ], -2, 2, 1000) : undefined,
    corrupted: noise ? sequence([B, pixels], 0, 2, 2000) : undefined,
  };
  const masks = Object.fromEntries(
    hiddenLayers(config).map(({ name, network, units }, i) => {
      const uniforms = sequence([network === "encoder" ? B : B * draws, units], 0, 1, 3000 + 1000 * i);
      return [name, bytes(uniforms, (uniform) => Number(uniform < keepProb))];
    }),
  );
  const perStep = (value: (step: number) => number) => array(Array.from({ length: STEPS }, (_, step) => value(step)));
  const xs: Hosted<StepInput> = {
    ...batches,
    masks: keepProb < 1 ? masks : undefined,
    klWeight: config.klWarmUp > 0 ? perStep((step) => (config.beta * (step + 1)) / STEPS) : undefined,
    stepSize: perStep((step) => adamStepSize(config.learningRate, step + 1, config)),
    decay: config.weightDecay > 0 ? perStep(() => config.learningRate * config.weightDecay) : undefined,
  };

  const vae = new Vae(architecture);
  const [elbo, iwae] = [
    new Vae({ ...architecture, objective: "elbo" }),
    new Vae({ ...architecture, objective: "iwae" }),
  ];
  const first = (tree: Tree<HostArray>, count: number) =>
    mapTree(tree, ({ data, shape }) => ({
      data: data.subarray(0, (data.length / STEPS) * count),
      shape: [count, ...shape.slice(1)],
    }));
  const batch = mapTree(first(batches, 1), ({ data, shape }) => ({ data, shape: shape.slice(1) }));
  const { images, corrupted } = batch as Record<string, HostArray>;
  const functions: [name: string, fn: (inputs: never) => unknown, inputs: Tree<HostArray>][] = [
    ["encode", vae.infer, { params, images, corrupted }],
    ["decode", vae.generate, { params, z: array(weyl(B * dimZ, -2, 2, 5000), [B, dimZ]) }],
    ["elbo", elbo.evaluate, { params, batch }],
    ["reconstruct", vae.reconstruct, { params, batch }],
  ];
  if (model === "vae") {
    const image = { data: images.data.subarray(0, pixels), shape: [1, pixels] };
    const [mu, sigma] = [array(weyl(dimZ, -1, 1, 6000), [1, dimZ]), array(weyl(dimZ, 0.5, 1.5, 7000), [1, dimZ])];
    const epsilon = array(weyl(8 * dimZ, -2, 2, 8000), [1, 8, dimZ]);
    functions.push(["iwae", iwae.evaluate, { params, batch }]);
    functions.push(["importanceWeigh", vae.importanceWeigh, { params, image, mu, sigma, epsilon }]);
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

  const step = createTrainingStep(vae, config);
  const init = initialState(params);
  const scanOf = (what: string, count: number, numbers: unknown, tolerance: number): ParityCase => {
    const inputs = first(xs as Tree<HostArray>, count);
    return {
      what,
      expected: numbers as Numbers,
      tolerance,
      run: async (engine) => {
        const [carry, y] = await engine.scan(step, init, inputs as unknown as Hosted<StepInput>);
        return byPath({ carry, y });
      },
      compile: () => scanProgram(step, init as unknown as Tree<HostArray>, inputs),
    };
  };
  return [
    ...calls,
    scanOf("a training step", 1, expected.one, 1e-5),
    scanOf("fifty steps of scan", STEPS, expected.fifty, 5e-5),
  ];
}

function byPath(tree: unknown): Numbers {
  return Object.fromEntries(leaves(tree as Tree<HostArray>).map(([path, { data }]) => [path, data]));
}
