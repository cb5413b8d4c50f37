// The standard normal prior p(z) = N(0, 1) (Kingma & Welling 2014, appendix B).
import { tf } from "../../engine/compiled/tf.js";
import { type PriorFamily, part } from "../parts.js";

export const STANDARD_NORMAL = "standard normal";

export const standardNormal = part({
  help: "standard normal",
  settings: {},
  build: (_, { dimZ }): PriorFamily => ({
    dimZ,
    isStandardNormal: true,
    specs: { params: {}, draws: { z: { shape: [dimZ], per: "sample", phase: "prior", kind: "normal" } } },
    build: (context) => ({
      family: STANDARD_NORMAL,
      logProb: (z) => tf.sum(tf.sub(tf.mul(tf.square(z), -0.5), 0.5 * Math.log(2 * Math.PI)), 2),
      sample: () => context.draw("z"),
    }),
  }),
});
