// The public API of the library: the functions behind the commands, without printing or exiting.
export type { Config, GivenSettings } from "./config/config.js";
export { describePixels, greyNats, hasBound, objectiveName, termNames } from "./config/names.js";
export { PRESETS } from "./config/presets.js";
export * as datasets from "./data/datasets.js";
export type { Processes } from "./distributed/processes.js";
export { joinProcesses } from "./distributed/processes.js";
export type { Device, EngineName, GpuReport } from "./engine/engine.js";
export { findGpu } from "./engine/index.js";
export { Divergence, Interruption, UserError } from "./errors.js";
export type { GivenArray } from "./inference/arrays.js";
export type { ModelComparison } from "./inference/compare-models.js";
export { compareModels } from "./inference/compare-models.js";
export { drawImages, toPictures } from "./inference/drawing.js";
export type { OnnxModels } from "./inference/export.js";
export type { ClassName, ClassOption, LabelOptions } from "./inference/labels.js";
export type { ManifoldGrid } from "./inference/latent-plane.js";
export type { EvaluateOptions, Evaluation, LoadedModel } from "./inference/loaded-model.js";
export { loadModel } from "./inference/loaded-model.js";
export type { NestedArray } from "./inference/nested.js";
export type { ModelPictures } from "./inference/pictures.js";
export type {
  Encoded,
  EncodeOptions,
  ReconstructOptions,
  SampleOptions,
  TrainedModel,
} from "./inference/trained-model.js";
export type { ClassesPicture } from "./inference/views.js";
export type { Bounds, Elbo } from "./model/bounds.js";
export * as parts from "./model/public.js";
export type { Picture } from "./pictures/grid.js";
export { encodePng } from "./pictures/png.js";
export type { Report } from "./report/report.js";
export { createReport } from "./report/report.js";
export type { ComparedRun, Comparison, MeanAndDeviation, Repeats, Spread } from "./run/compare.js";
export { compareRuns } from "./run/compare.js";
export type { RunReport } from "./run/list.js";
export { listRuns } from "./run/list.js";
export type { EpochReport } from "./run/reports.js";
export type { EngineReport } from "./training/engines.js";
export { findEngines, timeTrainingStep } from "./training/engines.js";
export type { TrainingChunk, TrainingDone, TrainingEpoch, TrainingEvent, TrainingStart } from "./training/events.js";
export { resume } from "./training/resume.js";
export type { Training, TrainingOptions, TrainOptions } from "./training/train.js";
export { train } from "./training/train.js";
export type { HostArray } from "./tree.js";
