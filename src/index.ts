// The library's surface: what the commands can do, with no printing and no exiting.
export type { Config, GivenSettings } from "./config.js";
export type { EngineName } from "./engine/engine.js";
export { Interruption, UserError } from "./errors.js";
export { drawImages, toPictures } from "./library/arrays.js";
export * as datasets from "./library/datasets.js";
export type { EngineReport } from "./library/engines.js";
export { findEngines, timeTrainingStep } from "./library/engines.js";
export type { ManifoldGrid } from "./library/latent-plane.js";
export type { Encoded, EncodeOptions, EvaluateOptions, Evaluation, Model, SampleOptions } from "./library/model.js";
export { loadModel } from "./library/model.js";
export type { ModelPictures } from "./library/model-pictures.js";
export { describePixels, objectiveName } from "./library/names.js";
export type { RunReport } from "./library/runs.js";
export { listRuns } from "./library/runs.js";
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
export type { HostArray } from "./tree.js";
