// Exports encoder and decoder of a trained model as ONNX files with an open batch dimension.
import path from "node:path";
import { encodeConfig } from "../config/config.js";
import { describePixels, objectiveName } from "../config/names.js";
import { pixelsOf } from "../data/pixels.js";
import type { RunConfig } from "../run/config.js";
import type { TrainedModel } from "./trained-model.js";

/** The bytes of two ONNX files. */
export interface OnnxModels {
  /**
   * `pixels` [batch, D] to `mean` and `sigma` [batch, Z] of q(z|x). If q is not Gaussian, there is no sigma, and mean
   * is z without noise. Both networks of a conditional model also take `label` [batch, K], one-hot rows.
   */
  readonly encoder: Uint8Array;
  /** `z` [batch, Z] to `pixels` [batch, D], the means of p(x|z): a Bernoulli pixel's probability of white. */
  readonly decoder: Uint8Array;
}

/**
 * Exports both networks, without dropout. Metadata in the files describe the training.
 *
 * @param weightsMetadata the metadata of model.safetensors
 * @throws Error if a part uses a kernel, which it names, that cannot be exported
 */
export async function toOnnx(
  { engine, model, params, size, classes }: TrainedModel,
  { version, settings, data }: RunConfig,
  weightsMetadata: Readonly<Record<string, string>>,
): Promise<OnnxModels> {
  const { exportFunction } = await import("../engine/compiled/export.js");
  const { name, height, width, channels } = data;
  const { epoch, validation_objective } = weightsMetadata;
  const metadata = {
    vae_version: version,
    dataset: name,
    height: String(height),
    width: String(width),
    channels: String(channels),
    pixels:
      "floats from 0 (black) to 1 (white), row by row from the top, the channels of a pixel " +
      `side by side; trained on ${describePixels(settings)}`,
    likelihood: model.parts.likelihood.name,
    dim_z: String(model.parts.dimZ),
    ...(classes && { classes: JSON.stringify(classes.map(({ name }) => name)) }),
    objective: `${objectiveName(settings)}, nats per image`,
    ...(epoch !== undefined && { epoch }),
    ...(validation_objective !== undefined && { validation_objective }),
    // Paths are private: keeps only the names of folders.
    settings: JSON.stringify(
      encodeConfig({ ...settings, dataset: name, inputDir: settings.inputDir && path.basename(settings.inputDir) }),
    ),
  };
  const { likelihood } = model.parts;
  const means =
    likelihood.support === "binary"
      ? "their pixels' probabilities of white"
      : `means of their ${describePixels(settings)}`;
  const labels = classes && { labels: { name: "label", size: classes.length } };
  const withLabels = classes ? " With them goes label, a one-hot row of the classes for each." : "";
  const [pixels, z] = [
    { x: { name: "pixels", size: pixelsOf(size) }, ...labels },
    { x: { name: "z", size: model.parts.dimZ }, ...labels },
  ];
  const zeros = (length: number) => ({ data: new Uint8Array(length), shape: [1, length] });
  const black = { images: zeros(pixelsOf(size)), ...(classes && { labels: zeros(classes.length) }) };
  const { sigma } = await engine.call(model.encode, { params, batch: black });
  const encoded = sigma
    ? "mean and sigma of q(z|x), a normal distribution for each."
    : "their z without noise, ε = 0, here called mean: q(z|x) is no normal distribution.";
  const description = model.isDrawn
    ? `The encoder of a variational autoencoder: pixels of images to ${encoded}`
    : "The encoder of a plain autoencoder: pixels of images to their z, here called mean.";
  const encoder = await exportFunction("encoder", model.exportedEncoder, params, pixels, {
    description: description + withLabels,
    metadata,
  });
  const decoder = await exportFunction("decoder", model.exportedDecoder, params, z, {
    description: `The decoder of an autoencoder: z to images, the ${means}.${withLabels}`,
    metadata,
  });
  return { encoder, decoder };
}
