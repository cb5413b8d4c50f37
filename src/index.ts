// The library's surface: what the commands can do, with no printing and no exiting.
export type { Config, GivenSettings } from "./config.js";
export { describeShape } from "./data/dataset.js";
export type { EngineName } from "./engine/engine.js";
export { Interruption, UserError } from "./errors.js";
export type { DataReport } from "./library/data.js";
export { inspectData } from "./library/data.js";
export type { EngineReport } from "./library/engines.js";
export { findEngines, timeTrainingStep } from "./library/engines.js";
export type { ManifoldGrid } from "./library/latent-plane.js";
export type { EvaluateOptions, Evaluation, Model } from "./library/model.js";
export { loadModel } from "./library/model.js";
export { describePixels, objectiveName } from "./library/names.js";
export type {
  EpochReport,
  Training,
  TrainingHooks,
  TrainingStart,
  TrainingSummary,
  TrainOptions,
} from "./library/train.js";
export { resume, train } from "./library/train.js";
export type { Bounds, Elbo } from "./model/elbo.js";
export type { OnnxModels } from "./model/onnx.js";
export type { Picture } from "./pictures/grid.js";
export { encodePng } from "./pictures/png.js";
export { PRESETS } from "./presets.js";
export type { Progress } from "./training/loop.js";
