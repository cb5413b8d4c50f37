// The library's export `parts`: parts of models, for users who write their own.
export { tf } from "../engine/compiled/tf.js";
export { type BuildParts, buildParts as build, standardPieces as pieces } from "./build.js";
export { conv, convTranspose, onImages } from "./convolutions.js";
export type { Layer } from "./layers.js";
export { dense, mlp, sequential } from "./layers.js";
export type {
  Assembly,
  Likelihood,
  LikelihoodFamily,
  ModelInput,
  Networks,
  Objective,
  Parts,
  Posterior,
  PosteriorFamily,
  Prior,
  PriorFamily,
  Terms,
} from "./parts.js";
export { assemble } from "./parts.js";
export { STANDARD_NORMAL } from "./priors/standard-normal.js";
export { type Context, type DrawSpec, type Init, joinSpecs, NO_SPECS, type ParamSpec, type Specs } from "./specs.js";
