// The parts of models, for users who bring their own.
export { buildParts as build, standardPieces as pieces } from "./build.js";
export type { Layer } from "./layers.js";
export { dense, mlp, sequential } from "./layers.js";
export type {
  Assembly,
  Likelihood,
  LikelihoodFamily,
  Objective,
  Parts,
  Posterior,
  PosteriorFamily,
  Prior,
  PriorFamily,
  Terms,
} from "./parts.js";
export { assemble } from "./parts.js";
export type { Context, DrawSpec, Init, ParamSpec, Specs } from "./specs.js";
