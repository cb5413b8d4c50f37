// The architecture as data: names, shapes and first values of the weights. The functions that use them are in vae.ts.
import type { Config } from "../config/config.js";
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

/** The architecture of the networks: D pixels, hidden layers, Z latent dimensions. */
export type Architecture = { readonly pixels: number } & Pick<Config, "model" | "dimZ" | "nHidden">;

export type HostParams = Readonly<Record<string, HostArray<Float32Array>>>;

/** A hidden layer, by the name of its parameters. */
export interface HiddenLayer {
  readonly name: string;
  readonly network: "encoder" | "decoder";
  readonly units: number;
}

/** The hidden layers in order, the encoder's first; the decoder's are the encoder's in reverse. */
export function hiddenLayers({ nHidden }: Pick<Architecture, "nHidden">): HiddenLayer[] {
  const layers = (network: HiddenLayer["network"], widths: readonly number[]) =>
    widths.map((units, i) => ({ name: `${network}.${i}`, network, units }));
  return [...layers("encoder", nHidden), ...layers("decoder", nHidden.toReversed())];
}

/**
 * The shapes of the parameters by name. Layer i maps [in] to [out]: its weight is [in, out], its bias [out]. The encoder
 * ends in 2Z numbers, means and what the σ's are made of (a plain autoencoder's in the Z means), the decoder in D.
 */
export function parameterShapes({ pixels, nHidden, dimZ, model }: Architecture): Record<string, readonly number[]> {
  const networks = {
    encoder: [pixels, ...nHidden, model === "ae" ? dimZ : 2 * dimZ],
    decoder: [dimZ, ...nHidden.toReversed(), pixels],
  };
  const shapes: Record<string, readonly number[]> = {};
  for (const [network, widths] of Object.entries(networks)) {
    for (let layer = 0; layer + 1 < widths.length; layer++) {
      shapes[`${network}.${layer}.weight`] = [widths[layer], widths[layer + 1]];
      shapes[`${network}.${layer}.bias`] = [widths[layer + 1]];
    }
  }
  return shapes;
}

/**
 * First values: zero biases and random weights.
 *
 * @param meanImage [D], 0 to 1: where it is given, the bias of the decoder's output is its logit, as in the code of Burda et al. (2016)
 */
export function initialParameters(
  architecture: Architecture & Pick<Config, "initialWeights">,
  seed: number,
  meanImage?: ArrayLike<number>,
): HostParams {
  const entries = Object.entries(parameterShapes(architecture)).map(([name, shape], index) => {
    const data = new Float32Array(sizeOf(shape));
    if (shape.length === 2) fillWeights(architecture.initialWeights, data, shape, seed, index);
    return [name, { data, shape }] as const;
  });
  const params = Object.fromEntries(entries);
  if (meanImage) {
    const output = params[`decoder.${architecture.nHidden.length}.bias`].data;
    for (let pixel = 0; pixel < output.length; pixel++) {
      const p = Math.min(0.999, Math.max(0.001, meanImage[pixel]));
      output[pixel] = Math.log(p / (1 - p));
    }
  }
  return params;
}

/**
 * `he`: as TensorFlow 1's variance_scaling_initializer drew them: normal with deviation √(2.6 / fan-in), cut at two deviations
 * (which leaves a variance of about 2 / fan-in). `glorot`: uniform within ±√(6 / (fan-in + fan-out)).
 */
function fillWeights(
  how: Config["initialWeights"],
  out: Float32Array,
  [fanIn, fanOut]: readonly number[],
  seed: number,
  index: number,
): void {
  const stream = randomStream(seed, "weights", index);
  if (how === "he") stream.fillTruncatedNormals(out, Math.sqrt(2.6 / fanIn));
  else stream.fillUniform(out, Math.sqrt(6 / (fanIn + fanOut)));
}
