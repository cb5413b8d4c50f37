// The architecture as data: names, shapes and first values of the weights. The functions that use them are in vae.ts.
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

/** The architecture of the networks. */
export interface Architecture {
  /** Pixels of an image, D. */
  readonly pixels: number;
  /** Units of each hidden layer, H. */
  readonly nHidden: number;
  /** Dimensions of the latent space, Z. */
  readonly dimZ: number;
}

export type HostParams = Readonly<Record<string, HostArray<Float32Array>>>;

/**
 * The shapes of the parameters by name. Layer i maps [in] to [out]: its weight is [in, out], its bias [out]. The encoder
 * is D → H → H → 2Z (means, then the σ's before softplus), the decoder Z → H → H → D.
 */
export function parameterShapes({ pixels, nHidden, dimZ }: Architecture): Record<string, readonly number[]> {
  const networks = {
    encoder: [pixels, nHidden, nHidden, 2 * dimZ],
    decoder: [dimZ, nHidden, nHidden, pixels],
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
 * First values: zero biases, and weights as He et al. (2015) scale them and TensorFlow 1's variance_scaling_initializer
 * drew them: normal with deviation √(2.6 / fan-in), cut at two deviations (which leaves a variance of about 2 / fan-in).
 */
export function initialParameters(architecture: Architecture, seed: number): HostParams {
  const entries = Object.entries(parameterShapes(architecture)).map(([name, shape], index) => {
    const data = new Float32Array(sizeOf(shape));
    if (shape.length === 2) {
      randomStream(seed, "weights", index).fillTruncatedNormals(data, Math.sqrt(2.6 / shape[0]));
    }
    return [name, { data, shape }] as const;
  });
  return Object.fromEntries(entries);
}
