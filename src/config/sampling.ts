// Options of samples, for the library and the flags of vae sample.
import { choice, integer } from "./entries.js";

export const SAMPLING = {
  from: choice(["prior", "mixture"], {
    default: "prior",
    help: "draw z from the prior, or from a mixture of Gaussians fitted to the latents of training images",
  }),
  components: integer({ default: 10, min: 1, max: 1000, help: "Gaussians of the mixture" }),
};
