// Names of objectives, curves and pixels, the same in all output.
import type { Bounds } from "../model/bounds.js";
import { LIKELIHOODS, OBJECTIVES, POSTERIORS } from "../model/registry.js";
import type { ModelConfig } from "../model/settings.js";
import type { Config } from "./config.js";

/** Whether the objective is a bound of log p(x): not that of a plain autoencoder. */
export function hasBound({ model }: ModelConfig): boolean {
  return !POSTERIORS[model].isPoint;
}

/**
 * What training maximizes: the ELBO, the importance-weighted bound L_k, the bound of a β-VAE, or log p(x|z) of an
 * autoencoder.
 */
export function objectiveName(config: ModelConfig): string {
  const { objective, beta } = config;
  if (!hasBound(config)) return "log p(x|z)";
  const name = OBJECTIVES[objective].label(config);
  return beta === 1 ? name : `${name} at β ${beta}`;
}

/** The learning curves of a model, and their titles. */
export function curveTitles(config: ModelConfig): [term: keyof Bounds, title: string][] {
  const name = objectiveName(config);
  if (!hasBound(config)) return [["objective", name]];
  return [
    ...(name === "ELBO" ? [] : [["objective", name] as [keyof Bounds, string]]),
    ["elbo", "ELBO"],
    ["reconstruction", "reconstruction log p(x|z)"],
    ["kl", "KL(q(z|x) ‖ p(z))"],
  ];
}

/** −log p(x) of an image, at most, if the mean of every pixel is half white: nats. */
export function greyNats(config: ModelConfig, pixels: number): number {
  return pixels * LIKELIHOODS[config.likelihood].greyNats(config);
}

/** The kind of pixels that a number refers to. */
export function describePixels(config: Config): string {
  const { binarize, channels, likelihood } = config;
  const pixels = {
    none: channels === 3 ? "colour pixels" : "grey pixels",
    threshold: "pixels binarized by a threshold",
    dynamic: "dynamically binarized pixels",
  }[binarize];
  return pixels + LIKELIHOODS[likelihood].suffix(config);
}
