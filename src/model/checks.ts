// Runtime checks of parts that users supply.
import { func, listOf, maybe, objectOf, objectWith, satisfying } from "../arguments.js";
import { isRecord } from "../values/checker.js";
import { BOOLEAN, number, oneOf, TEXT, wholeNumber } from "../values/domains.js";
import type { DenseLayer, Layer, LayerSpecs } from "./layers.js";
import type {
  Assembly,
  LikelihoodFamily,
  ModelInput,
  Objective,
  Parts,
  PosteriorFamily,
  PriorFamily,
} from "./parts.js";
import type { DrawSpec, Init, ParamSpec, Specs } from "./specs.js";

const isWithin = (value: unknown, min: number, max: number) =>
  typeof value === "number" && value >= min && value <= max;

/** Units of a layer, pixels of a side, or dimensions of z. */
export const UNITS = wholeNumber({ min: 1, max: 1e9 });
const SHAPE = listOf(UNITS);
const NAMED_INITS: readonly unknown[] = ["zeros", "he", "glorot", "ones", "mean-image"] satisfies Init[];

export const INIT = satisfying(
  `be one of ${NAMED_INITS.join(", ")}, or { normal: deviation }`,
  (value): value is Init => NAMED_INITS.includes(value) || (isRecord(value) && isWithin(value.normal, 0, 1e6)),
);

const KIND = satisfying(
  "be normal, uniform or { bernoulli: probability }",
  (value): value is DrawSpec["kind"] =>
    value === "normal" || value === "uniform" || (isRecord(value) && isWithin(value.bernoulli, 0, 1)),
);

const FANS = satisfying(
  "be [inputs, outputs] of a unit",
  (value): value is [number, number] =>
    Array.isArray(value) && value.length === 2 && value.every((count) => isWithin(count, Number.MIN_VALUE, 1e9)),
);

const PARAM = objectWith<ParamSpec>({ shape: SHAPE, init: INIT, fans: maybe(FANS), decays: maybe(BOOLEAN) });
const DRAW = objectWith<DrawSpec>({
  shape: SHAPE,
  per: oneOf(["image", "sample"]),
  phase: oneOf(["training", "posterior", "prior"]),
  kind: KIND,
});
const OF_SPECS = { params: objectOf(PARAM), draws: objectOf(DRAW) };

/** A count of numbers in memory. */
const NUMBERS = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER });

export const SPECS = objectWith<Specs>(OF_SPECS);
export const LAYER_SPECS = objectWith<LayerSpecs>({ ...OF_SPECS, output: SHAPE, outputs: maybe(NUMBERS) });

const STRING = satisfying("be a string", (value) => typeof value === "string");
const DENSE_LAYER = objectWith<DenseLayer>({ scope: STRING });
export const LAYER = objectWith<Layer>({ chain: maybe(listOf(DENSE_LAYER)), specs: func(), apply: func() });

const BETA = number({ min: 0, max: 1000 });
/** K of a conditional model. */
const CLASSES = wholeNumber({ min: 0, max: 65_536 });
const OBJECTIVE = objectWith<Objective>({
  draws: wholeNumber({ min: 1, max: 1e6 }),
  isPath: maybe(BOOLEAN),
  numbersPerPair: maybe(NUMBERS),
  averagesImages: maybe(BOOLEAN),
  specs: maybe(SPECS),
  value: func(),
});
const OF_LIKELIHOOD = { name: TEXT, support: oneOf(["binary", "bytes", "real"]) };
const LIKELIHOOD = objectWith<LikelihoodFamily>({ ...OF_LIKELIHOOD, inputs: UNITS, specs: SPECS, build: func() });

export const ASSEMBLY = objectWith<Assembly>({
  pixels: UNITS,
  dimZ: UNITS,
  classes: maybe(CLASSES),
  objective: OBJECTIVE,
  beta: BETA,
  encoder: LAYER,
  posterior: objectWith<PosteriorFamily>({
    dimZ: UNITS,
    hasPath: maybe(BOOLEAN),
    inputs: UNITS,
    specs: SPECS,
    build: func(),
  }),
  prior: objectWith<PriorFamily>({
    dimZ: UNITS,
    numbersPerDraw: maybe(NUMBERS),
    isStandardNormal: maybe(BOOLEAN),
    specs: SPECS,
    build: func(),
  }),
  decoder: LAYER,
  likelihood: LIKELIHOOD,
});

export const INPUT = objectWith<ModelInput>({
  height: UNITS,
  width: UNITS,
  channels: UNITS,
  classes: maybe(CLASSES),
});

export const PARTS = objectWith<Parts>({
  dimZ: UNITS,
  classes: maybe(CLASSES),
  specs: SPECS,
  objective: OBJECTIVE,
  beta: BETA,
  likelihood: objectWith<Parts["likelihood"]>(OF_LIKELIHOOD),
  numbersPerDraw: maybe(NUMBERS),
  hasNormalPrior: maybe(BOOLEAN),
  layerOutputs: maybe(objectWith<NonNullable<Parts["layerOutputs"]>>({ encoder: NUMBERS, decoder: NUMBERS })),
  encode: func(),
  prior: func(),
  decode: func(),
});
