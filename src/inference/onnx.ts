// A trained model as ONNX files that say what they are.
import path from "node:path";
import { encodeConfig } from "../config/config.js";
import { describePixels, objectiveName } from "../config/names.js";
import { pixelsOf } from "../data/pixels.js";
import type { OnnxModels } from "../model/onnx.js";
import { encodeOnnx } from "../model/onnx.js";
import type { HostParams } from "../model/parameters.js";
import type { RunConfig } from "../run/config.js";

/**
 * The networks of a run's model, with the facts of its training as metadata.
 *
 * @param weightsMetadata of model.safetensors
 */
export function toOnnx(
  { version, settings, data }: RunConfig,
  params: HostParams,
  weightsMetadata: Readonly<Record<string, string>>,
): OnnxModels {
  const { name, height, width, channels } = data;
  const { epoch, validation_objective } = weightsMetadata;
  return encodeOnnx({ pixels: pixelsOf(data), ...settings }, params, {
    vae_version: version,
    dataset: name,
    height: String(height),
    width: String(width),
    channels: String(channels),
    pixels: `floats from 0 (black) to 1 (white), row by row from the top, the channels of a pixel side by side; trained on ${describePixels(settings)}`,
    likelihood: settings.likelihood,
    dim_z: String(settings.dimZ),
    objective: `${objectiveName(settings)}, nats per image`,
    ...(epoch !== undefined && { epoch }),
    ...(validation_objective !== undefined && { validation_objective }),
    // Folders go by their names alone: where they are on a disk is nothing to hand on.
    settings: JSON.stringify(
      encodeConfig({ ...settings, dataset: name, inputDir: settings.inputDir && path.basename(settings.inputDir) }),
    ),
  });
}
