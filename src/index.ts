// The library's surface: what the commands can do, with no printing and no exiting.
export type { Config, GivenSettings } from "./config/config.js";
export { describePixels, objectiveName } from "./config/names.js";
export { PRESETS } from "./config/presets.js";
export * as datasets from "./data/datasets.js";
export type { EngineName } from "./engine/engine.js";
export { Interruption, UserError } from "./errors.js";
export { drawImages, toPictures } from "./inference/arrays.js";
export type { ManifoldGrid } from "./inference/latent-plane.js";
export type { ModelPictures } from "./inference/model-pictures.js";
export type {
  Encoded,
  EncodeOptions,
  EvaluateOptions,
  Evaluation,
  Model,
  SampleOptions,
} from "./inference/trained-model.js";
export { loadModel } from "./inference/trained-model.js";
export type { Bounds, Elbo } from "./model/elbo.js";
export type { OnnxModels } from "./model/onnx.js";
export type { Picture } from "./pictures/grid.js";
export { encodePng } from "./pictures/png.js";
export type { RunReport } from "./run/list.js";
export { listRuns } from "./run/list.js";
export type { EpochReport } from "./run/reports.js";
export type { EngineReport } from "./training/engines.js";
export { findEngines, timeTrainingStep } from "./training/engines.js";
export type { Training, TrainingHooks, TrainingStart, TrainingSummary } from "./training/epochs.js";
export type { Progress } from "./training/loop.js";
export type { TrainOptions } from "./training/train.js";
export { resume, train } from "./training/train.js";
export type { HostArray } from "./tree.js";
