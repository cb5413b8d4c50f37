// Builds a model from settings.
import { objectWith } from "../arguments.js";
import type { Config } from "../config/config.js";
import { checkSettings, checkValue } from "../config/entries.js";
import { pixelsOf } from "../data/pixels.js";
import { INPUT, PARTS } from "./checks.js";
import { Model } from "./model.js";
import { assemble, type ModelInput, type Parts, type Sizes } from "./parts.js";
import { LIKELIHOODS, NETWORKS, OBJECTIVES, POSTERIORS, PRIORS } from "./registry.js";
import { MODEL_SETTINGS, type ModelConfig } from "./settings.js";

/** Chooses the pieces of a model by the settings. @throws UserError if one is wrong */
export function standardPieces(given: ModelConfig, input: ModelInput) {
  const config = checkModelSettings(given);
  const { height, width, channels, classes = 0 } = checkValue("The images of the model", INPUT, input);
  const { dimZ, beta } = config;
  const pixels = pixelsOf({ height, width, channels });
  const sizes: Sizes = { height, width, channels, classes, pixels, dimZ };
  const posterior = POSTERIORS[config.model].build(config, sizes);
  // An autoencoder maximizes log p(x|z), whatever a preset says. It uses no prior, and "normal" has no weights.
  const { isPoint } = POSTERIORS[config.model];
  const prior = PRIORS[isPoint ? "normal" : config.prior].build(config, sizes);
  const likelihood = LIKELIHOODS[config.likelihood].build(config, sizes);
  const objective = isPoint
    ? OBJECTIVES.elbo.build({ mcSamples: 1, gradient: "total" }, sizes)
    : OBJECTIVES[config.objective].build(config, sizes);
  const networks = NETWORKS[config.network].build(config, { ...sizes, weight: config.initialWeights });
  const encoder = networks.encoder(posterior.inputs);
  const decoder = networks.decoder(likelihood.inputs, config.outputBias === "mean" ? "mean-image" : "zeros");
  return { pixels, classes, dimZ, encoder, posterior, prior, decoder, likelihood, objective, beta };
}

/** Checks the settings of a model among all. */
function checkModelSettings(given: ModelConfig): ModelConfig {
  const all = checkValue("The configuration", objectWith<ModelConfig>({}), given);
  const names = Object.keys(MODEL_SETTINGS) as (keyof ModelConfig)[];
  return checkSettings(MODEL_SETTINGS, Object.fromEntries(names.map((name) => [name, all[name]])));
}

/** Builds a model for images of a shape. */
export type BuildParts = (config: Config, input: ModelInput) => Parts;

/**
 * A model of own parts, or of those that the settings choose.
 *
 * @throws UserError if the own parts are no model
 */
export function buildModel(config: Config, input: ModelInput, own?: BuildParts): Model {
  return new Model(
    own ? checkValue("The model that parts returned", PARTS, own(config, input)) : buildParts(config, input),
  );
}

export function buildParts(config: ModelConfig, input: ModelInput): Parts {
  return assemble(standardPieces(config, input));
}
