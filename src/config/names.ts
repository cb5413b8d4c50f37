// Names of objectives, curves and pixels in all output. Omitted settings have their defaults.
import type { Bounds } from "../model/bounds.js";
import { LIKELIHOODS, OBJECTIVES } from "../model/registry.js";
import { checkValue } from "../values/checker.js";
import { wholeNumber } from "../values/domains.js";
import { type Config, createConfig, type GivenSettings } from "./config.js";

/** Whether the objective is a bound on log p(x). A plain autoencoder has none. */
export function hasBound(settings: GivenSettings): boolean {
  return createConfig(settings).model === "vae";
}

/**
 * The name of the training objective, which is maximized: the ELBO, the importance-weighted bound L_k, the bound of a
 * β-VAE, or log p(x|z) of an autoencoder.
 */
export function objectiveName(settings: GivenSettings): string {
  const config = createConfig(settings);
  const { objective, beta } = config;
  if (!hasBound(config)) return termNames(config).reconstruction;
  const name = OBJECTIVES[objective].label(config);
  return beta === 1 ? name : `${name} at β ${beta}`;
}

const MAX_TITLE = 8;

/** The title of the negated objective: −ELBO, −L50, or −objective if its name is long. */
export function objectiveTitle(config: Config): string {
  const name = objectiveName(config);
  return !hasBound(config) || name.length <= MAX_TITLE ? `−${name}` : "−objective";
}

/** Names of densities and of the KL term, conditioned on the labels y in a conditional model. */
export function termNames(settings: GivenSettings): Record<"likelihood" | "reconstruction" | "kl", string> {
  const { conditional } = createConfig(settings);
  return conditional
    ? { likelihood: "log p(x|y)", reconstruction: "log p(x|z,y)", kl: "KL(q(z|x,y) ‖ p(z))" }
    : { likelihood: "log p(x)", reconstruction: "log p(x|z)", kl: "KL(q(z|x) ‖ p(z))" };
}

/** Terms and titles of a model's learning curves. */
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

/** Maximum of −log p(x) of an image, in nats, if every pixel has a mean of half white. */
export function greyNats(settings: GivenSettings, pixels: number): number {
  const config = createConfig(settings);
  return (
    checkValue("The number of pixels", wholeNumber({ min: 1, max: 1e9 }), pixels) *
    LIKELIHOODS[config.likelihood].greyNats(config)
  );
}

/** The kind of pixels, for units: nats are comparable only for the same kind. */
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
