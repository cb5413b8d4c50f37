// The library's surface: what the commands can do, with no printing and no exiting.
export type { Config, GivenSettings } from "./config.js";
export { UserError } from "./errors.js";
export type { GridOptions } from "./library/latent-plane.js";
export { type EvaluateOptions, type Evaluation, loadModel, type Model } from "./library/model.js";
export { objectiveName } from "./library/names.js";
export type { EpochReport, TrainingStart, TrainingSummary, TrainOptions } from "./library/train.js";
export { train } from "./library/train.js";
export type { Elbo } from "./model/elbo.js";
export type { Picture } from "./pictures/grid.js";
export { encodePng } from "./pictures/png.js";
export { PRESETS } from "./presets.js";
export type { Progress } from "./training/loop.js";
