// VampPrior: the mixture of the posteriors of learned pseudo-inputs (Tomczak & Welling 2018, eq. 9).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { UserError } from "../../errors.js";
import { type PriorFamily, part } from "../parts.js";
import { gaussianMixture, mixtureDraws } from "./mixture.js";

export const vamp = part({
  help: "mixture of the posteriors of learned pseudo-inputs (Tomczak & Welling 2018)",
  settings: {
    pseudoInputs: integer({ default: 100, min: 1, max: 5000, help: "pseudo-inputs of a VampPrior" }),
  },
  build({ pseudoInputs: K }, { dimZ, pixels, classes }): PriorFamily {
    if (classes > 0)
      throw new UserError(
        "Prior vamp cannot be conditional: its pseudo-inputs have no labels. Choose another `prior`.",
      );
    return {
      dimZ,
      numbersPerDraw: K * dimZ,
      specs: {
        // The initial pseudo-inputs scatter around the mean image.
        params: {
          bias: { shape: [pixels], init: "mean-image" },
          offsets: { shape: [K, pixels], init: { normal: 1 } },
        },
        draws: mixtureDraws(dimZ),
      },
      build(context, encode) {
        const { mean, sigma } = encode(tf.sigmoid(tf.add(context.param("offsets"), context.param("bias"))));
        if (!sigma) throw new UserError("Prior vamp needs a Gaussian posterior.");
        return gaussianMixture("vamp", context, mean, tf.log(sigma), tf.fill([1, K], -Math.log(K)));
      },
    };
  },
});
