// Builds a model from settings.
import { objectWith } from "../arguments.js";
import type { Config } from "../config/config.js";
import { checkSettings } from "../config/entries.js";
import { pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { checkValue } from "../values/checker.js";
import { INPUT, PARTS } from "./checks.js";
import { Model } from "./model.js";
import { assemble, type ModelInput, type Parts, type Sizes } from "./parts.js";
import { point } from "./posteriors/point.js";
import { LIKELIHOODS, NETWORKS, OBJECTIVES, POSTERIORS, PRIORS } from "./registry.js";
import { MODEL_SETTINGS, type ModelConfig } from "./settings.js";
import { onFirstLayer, twoLayerPosterior, twoLayerPrior } from "./two-layers.js";

/** The pieces of a model that the settings choose. @throws UserError if a setting is invalid or they do not combine */
export function standardPieces(given: ModelConfig, input: ModelInput) {
  const config = checkModelSettings(given);
  const { height, width, channels, classes = 0 } = checkValue("The images of the model", INPUT, input);
  const { conditional, beta } = config;
  if (conditional && classes === 0) {
    throw new UserError("`conditional` needs the number of classes of the images: give it as classes.");
  }
  const dims = typeof config.dimZ === "number" ? undefined : config.dimZ;
  const dimZ = typeof config.dimZ === "number" ? config.dimZ : config.dimZ[0] + config.dimZ[1];
  const pixels = pixelsOf({ height, width, channels });
  const sizes: Sizes = { height, width, channels, classes, pixels, dimZ };
  checkTogether(config);
  // A plain autoencoder maximizes log p(x|z). It ignores a preset's prior and objective: "normal" has no weights.
  const isPoint = config.model === "ae";
  const layers = dims && !isPoint ? { dims, units: config.layerUnits, sigma: config.sigma } : undefined;
  const stochastic = layers ? twoLayerPosterior(layers) : POSTERIORS[config.posterior].build(config, sizes);
  const posterior = isPoint ? point(sizes) : stochastic;
  const prior = layers ? twoLayerPrior(layers) : PRIORS[isPoint ? "normal" : config.prior].build(config, sizes);
  const likelihood = LIKELIHOODS[config.likelihood].build(config, sizes);
  const objective = isPoint
    ? OBJECTIVES.elbo.build({ mcSamples: 1, gradient: "total" }, sizes)
    : OBJECTIVES[config.objective].build(config, sizes);
  const networks = NETWORKS[config.network].build(config, { ...sizes, weight: config.initialWeights });
  const encoder = networks.encoder(posterior.inputs);
  const bias = config.outputBias === "mean" ? "mean-image" : "zeros";
  const network = networks.decoder(likelihood.inputs, bias);
  const decoder = layers ? onFirstLayer(layers.dims, network) : network;
  return { pixels, classes, dimZ, encoder, posterior, prior, decoder, likelihood, objective, beta };
}

/** @throws UserError if the chosen parts do not combine */
function checkTogether(config: ModelConfig): void {
  const { model, dimZ, objective, gradient, posterior, prior } = config;
  if (model === "ae") {
    if (typeof dimZ === "number") return;
    throw new UserError("A plain autoencoder has one layer of latents. Give one number as `dimZ`.");
  }
  const refuse = (what: string, setting: keyof ModelConfig, usual: string) => {
    throw new UserError(
      `${what} cannot be combined with \`${setting}: ${config[setting]}\`. Use \`${setting}: ${usual}\`.`,
    );
  };
  const isPath = gradient === "path" && (objective === "elbo" || objective === "iwae");
  const what = typeof dimZ === "number" ? `\`posterior: ${posterior}\`` : "A model of two stochastic layers";
  if (typeof dimZ !== "number") {
    if (posterior !== "gaussian") refuse(what, "posterior", "gaussian");
    if (prior !== "normal") refuse(what, "prior", "normal");
    if (objective === "mmd") refuse(what, "objective", "elbo");
  } else if (posterior === "gaussian") {
    if (objective === "mmd" && prior !== "normal") refuse("`objective: mmd`", "prior", "normal");
    return;
  }
  if (isPath) refuse(what, "gradient", "total");
  if (prior === "vamp") refuse("`prior: vamp`", "posterior", "gaussian");
  if (objective === "beta-tc") refuse(what, "objective", "elbo");
}

/** Checks the model's settings, and ignores others. */
function checkModelSettings(given: ModelConfig): ModelConfig {
  const all = checkValue("The configuration", objectWith<ModelConfig>({}), given);
  const names = Object.keys(MODEL_SETTINGS) as (keyof ModelConfig)[];
  return checkSettings(MODEL_SETTINGS, Object.fromEntries(names.map((name) => [name, all[name]])));
}

/** Builds a model for images of a shape. */
export type BuildParts = (config: Config, input: ModelInput) => Parts;

/**
 * Builds a model from the user's own parts, or from the parts that the settings choose.
 *
 * @throws UserError if settings or own parts are invalid, or own parts have another number of classes than the images
 */
export function buildModel(config: Config, input: ModelInput, own?: BuildParts): Model {
  if (!own) return new Model(buildParts(config, input));
  const parts = checkValue("The model that parts returned", PARTS, own(config, input));
  const [classes, needed] = [parts.classes ?? 0, input.classes ?? 0];
  if (classes !== needed) {
    throw new UserError(`The model that parts returned has ${classes} classes, and the images have ${needed}.`);
  }
  return new Model(parts);
}

/** Builds a model's parts from settings. @throws UserError if a setting is invalid, or the parts do not combine */
export function buildParts(config: ModelConfig, input: ModelInput): Parts {
  return assemble(standardPieces(config, input));
}
