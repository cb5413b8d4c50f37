// Builds a model from settings.
import { objectWith } from "../arguments.js";
import type { Config } from "../config/config.js";
import { checkSettings, checkValue } from "../config/entries.js";
import { PARTS, UNITS } from "./checks.js";
import { mlp } from "./layers.js";
import { Model } from "./model.js";
import { assemble, type Parts } from "./parts.js";
import { LIKELIHOODS, OBJECTIVES, POSTERIORS, PRIORS } from "./registry.js";
import { MODEL_SETTINGS, type ModelConfig } from "./settings.js";

/** Chooses the pieces of a model of fully connected networks by the settings. @throws UserError if one is wrong */
export function standardPieces(given: ModelConfig, pixels: number) {
  const config = checkModelSettings(given);
  checkValue("The number of pixels", UNITS, pixels);
  const { dimZ, nHidden, keepProb, encoderActivations, decoderActivations, initialWeights: weight, beta } = config;
  const posterior = POSTERIORS[config.model].build(config, dimZ);
  // The objective of an autoencoder uses no prior, and "normal" has no weights.
  const prior = PRIORS[POSTERIORS[config.model].isPoint ? "normal" : config.prior].build(config, dimZ);
  const likelihood = LIKELIHOODS[config.likelihood].build(config, pixels);
  const objective = OBJECTIVES[config.objective].build(config, dimZ);
  const bias = config.outputBias === "mean" ? "mean-image" : "zeros";
  const [hidden, reversed] = [nHidden, nHidden.toReversed()];
  const encoder = mlp({ hidden, activations: encoderActivations, keepProb, outputs: posterior.inputs, weight });
  const decoder = mlp({
    hidden: reversed,
    activations: decoderActivations,
    keepProb,
    outputs: likelihood.inputs,
    weight,
    bias,
  });
  return { pixels, dimZ, encoder, posterior, prior, decoder, likelihood, objective, beta };
}

/** Checks the settings of a model among all. */
function checkModelSettings(given: ModelConfig): ModelConfig {
  const all = checkValue("The configuration", objectWith<ModelConfig>({}), given);
  const names = Object.keys(MODEL_SETTINGS) as (keyof ModelConfig)[];
  return checkSettings(MODEL_SETTINGS, Object.fromEntries(names.map((name) => [name, all[name]])));
}

/** Builds a model for images of `pixels` numbers. */
export type BuildParts = (config: Config, pixels: number) => Parts;

/**
 * A model of own parts, or of those that the settings choose.
 *
 * @throws UserError if the own parts are no model
 */
export function buildModel(config: Config, pixels: number, own?: BuildParts): Model {
  return new Model(
    own ? checkValue("The model that parts returned", PARTS, own(config, pixels)) : buildParts(config, pixels),
  );
}

export function buildParts(config: ModelConfig, pixels: number): Parts {
  return assemble(standardPieces(config, pixels));
}
