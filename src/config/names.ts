// Names of objectives, curves and pixels, the same in all output. Settings left out have their defaults.
import type { Bounds } from "../model/bounds.js";
import { LIKELIHOODS, OBJECTIVES } from "../model/registry.js";
import { type Config, createConfig, type GivenSettings } from "./config.js";
import { checkValue, wholeNumber } from "./entries.js";

/** Whether the objective is a bound of log p(x): not that of a plain autoencoder. */
export function hasBound(settings: GivenSettings): boolean {
  return createConfig(settings).model === "vae";
}

/**
 * What training maximizes: the ELBO, the importance-weighted bound L_k, the bound of a β-VAE, or log p(x|z) of an
 * autoencoder.
 */
export function objectiveName(settings: GivenSettings): string {
  const config = createConfig(settings);
  const { objective, beta } = config;
  if (!hasBound(config)) return termNames(config).reconstruction;
  const name = OBJECTIVES[objective].label(config);
  return beta === 1 ? name : `${name} at β ${beta}`;
}

/** The names of densities and of the KL term. Those of a conditional model are given its labels y. */
export function termNames(settings: GivenSettings): Record<"likelihood" | "reconstruction" | "kl", string> {
  const { conditional } = createConfig(settings);
  return conditional
    ? { likelihood: "log p(x|y)", reconstruction: "log p(x|z,y)", kl: "KL(q(z|x,y) ‖ p(z))" }
    : { likelihood: "log p(x)", reconstruction: "log p(x|z)", kl: "KL(q(z|x) ‖ p(z))" };
}

/** The learning curves of a model, and their titles. */
export function curveTitles(config: Config): [term: keyof Bounds, title: string][] {
  const name = objectiveName(config);
  const { reconstruction, kl } = termNames(config);
  if (!hasBound(config)) return [["objective", name]];
  return [
    ...(name === "ELBO" ? [] : [["objective", name] as [keyof Bounds, string]]),
    ["elbo", "ELBO"],
    ["reconstruction", `reconstruction ${reconstruction}`],
    ["kl", kl],
  ];
}

/** −log p(x) of an image, at most, if the mean of every pixel is half white: nats. */
export function greyNats(settings: GivenSettings, pixels: number): number {
  const config = createConfig(settings);
  return (
    checkValue("The number of pixels", wholeNumber({ min: 1, max: 1e9 }), pixels) *
    LIKELIHOODS[config.likelihood].greyNats(config)
  );
}

/** The kind of pixels that a number refers to. */
export function describePixels(settings: GivenSettings): string {
  const config = createConfig(settings);
  const { binarize, channels, likelihood } = config;
  const pixels = {
    none: channels === 3 ? "colour pixels" : "grey pixels",
    threshold: "pixels binarized by a threshold",
    dynamic: "dynamically binarized pixels",
  }[binarize];
  return pixels + LIKELIHOODS[likelihood].suffix(config);
}
