// What numbers are called, so that every place calls them the same.
import type { Bounds } from "../model/bounds.js";
import { OBJECTIVES } from "../model/registry.js";
import type { ModelConfig } from "../model/settings.js";
import type { Config } from "./config.js";

/** What training maximizes: the ELBO, the importance-weighted bound L_k, the bound of a β-VAE, or log p(x|z) of an autoencoder. */
export function objectiveName(config: ModelConfig): string {
  const { model, objective, beta } = config;
  if (model === "ae") return "log p(x|z)";
  const name = OBJECTIVES[objective].label(config);
  return beta === 1 ? name : `${name} at β ${beta}`;
}

/** The learning curves of a model, and their titles. */
export function curveTitles(config: ModelConfig): [term: keyof Bounds, title: string][] {
  const name = objectiveName(config);
  if (config.model === "ae") return [["objective", name]];
  return [
    ...(name === "ELBO" ? [] : [["objective", name] as [keyof Bounds, string]]),
    ["elbo", "ELBO"],
    ["reconstruction", "reconstruction log p(x|z)"],
    ["kl", "KL(q(z|x) ‖ p(z))"],
  ];
}

/** The kind of pixels that a number refers to. */
export function describePixels({ binarize, channels, likelihood, pixelSigma }: Config): string {
  const pixels = {
    none: channels === 3 ? "colour pixels" : "grey pixels",
    threshold: "pixels binarized by a threshold",
    dynamic: "dynamically binarized pixels",
  }[binarize];
  return likelihood === "gaussian" ? `${pixels}, normal with deviation ${pixelSigma}` : pixels;
}
