// Builds a model from settings.
import type { Config } from "../config/config.js";
import { mlp } from "./layers.js";
import { assemble, type Parts } from "./parts.js";
import { LIKELIHOODS, OBJECTIVES, POSTERIORS, PRIORS } from "./registry.js";
import type { ModelConfig } from "./settings.js";

/** Chooses the pieces of a model of fully connected networks by the settings. */
export function standardPieces(config: ModelConfig, pixels: number) {
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

/** Builds a model for images of `pixels` numbers. */
export type BuildParts = (config: Config, pixels: number) => Parts;

export function buildParts(config: ModelConfig, pixels: number): Parts {
  return assemble(standardPieces(config, pixels));
}
