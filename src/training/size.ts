// Rejects models that are too large to train here, before any image is decoded.
import { totalmem } from "node:os";
import process from "node:process";
import type { Config } from "../config/config.js";
import { describeShape, type ImageShape, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { countParameters } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import { NETWORKS } from "../model/registry.js";
import { formatBytes } from "../wording.js";

/** A checkpoint holds four floats for each parameter, and Node.js reads files of at most 2 GiB. */
const MAX_PARAMETERS = 120_000_000;

/**
 * Checks that a model for images of this shape can be trained.
 *
 * @throws UserError if it has too many parameters, or a step needs more memory than this machine has
 */
export function checkSize(model: Model, shape: ImageShape, config: Pick<Config, "batchSize" | "network">): void {
  const { batchSize, network } = config;
  const width = NETWORKS[network].width;
  const parameters = countParameters(model.parts.specs);
  if (parameters > MAX_PARAMETERS) {
    const count = (number: number) => number.toLocaleString("en");
    throw new UserError(
      `For images of ${describeShape(shape)} this model has ${count(parameters)} parameters, more than ` +
        `${count(MAX_PARAMETERS)}. Give a smaller \`size\` or \`${width}\`.`,
    );
  }
  const [needed, memory] = [bytesOfStep(model, pixelsOf(shape), batchSize), availableMemory()];
  if (needed > memory) {
    const { draws, parts } = model;
    const isPrior = draws * (parts.numbersPerDraw ?? 0) > pixelsOf(shape) * (1 + draws);
    const remedy = isPrior
      ? "Give a smaller `batchSize` or `dimZ`, or a prior of fewer components."
      : `Give a smaller \`batchSize\`, \`size\` or \`${width}\`.`;
    throw new UserError(
      `A step with batches of ${batchSize} images of ${describeShape(shape)} needs more than ${formatBytes(needed)} ` +
        `of memory, and there are ${formatBytes(memory)}. ${remedy}`,
    );
  }
}

/**
 * A lower bound of a training step's memory, in bytes: weights and Adam's moments before and after it, the batch as
 * bytes and as floats, the outputs of the layers, the prior's numbers for each draw of z, and the objective's for each
 * pair of images.
 */
function bytesOfStep({ draws, parts }: Model, pixels: number, batchSize: number): number {
  const state = 2 * 3 * 4 * countParameters(parts.specs);
  const { numbersPerDraw = 0, layerOutputs = { encoder: 0, decoder: pixels }, objective } = parts;
  const perImage = pixels + layerOutputs.encoder + draws * (layerOutputs.decoder + numbersPerDraw);
  const pairs = batchSize ** 2 * (objective.numbersPerPair ?? 0);
  return state + batchSize * pixels + 4 * (batchSize * perImage + pairs);
}

/** Bytes of memory of this machine or container. */
function availableMemory(): number {
  const constrained = process.constrainedMemory(); // 0 or a huge number if there is no limit
  return Math.min(totalmem(), constrained || Infinity);
}
