// The decoder as data, if the page can compute it.
import { pack } from "../explore/packed.js";
import type { TrainedModel } from "../inference/trained-model.js";
import type { DecoderContents } from "./contents.js";

/** Larger decoders make files that browsers open slowly, and decode too slowly to follow a drag. */
const MAX_BYTES = 20e6;

/** Undefined unless the decoder consists of fully connected layers, of at most 20 MB. */
export function encodeDecoder({ model, params, size, classes }: TrainedModel): DecoderContents | undefined {
  const { denseDecoder: dense, dimZ } = model.parts;
  if (!dense) return undefined;
  const layers = dense.layers.map(({ scope, activation }) => {
    const { data: weight = new Float32Array(), shape: [inputs = 0, units = 0] = [] } = params[`${scope}weight`] ?? {};
    const { data: bias = new Float32Array() } = params[`${scope}bias`] ?? {};
    return { inputs, units, ...(activation && { activation }), weight, bias };
  });
  // Own layers may describe themselves wrongly.
  const sizes = [dimZ + (classes?.length ?? 0), ...layers.map(({ units }) => units)];
  const fits = layers.every(
    ({ inputs, units, weight, bias }, i) =>
      inputs === sizes[i] && weight.length === inputs * units && bias.length === units,
  );
  if (!fits || sizes.at(-1) !== size.height * size.width * size.channels) return undefined;
  const arrays = layers.flatMap(({ weight, bias }) => [weight, bias]);
  const count = arrays.reduce((sum, { length }) => sum + length, 0);
  if (4 * count > MAX_BYTES) return undefined;
  const weights = new Float32Array(count);
  let at = 0;
  for (const array of arrays) {
    weights.set(array, at);
    at += array.length;
  }
  return {
    layers: layers.map(({ weight, bias, ...layer }) => layer),
    mean: dense.mean,
    weights: pack(weights, [count]),
    ...size,
    ...(classes && { classes: classes.map(({ name }) => name) }),
  };
}
