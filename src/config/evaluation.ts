// Options of an evaluation, for the library and the flags of vae evaluate.
import { SPLITS } from "../data/settings.js";
import { choice, integer } from "./entries.js";

export const EVALUATION = {
  split: choice(SPLITS, { default: "test", help: "part of the data set" }),
  importanceSamples: integer({ default: 5000, min: 1, max: 1e6, help: "draws of z per image for the likelihood" }),
};
