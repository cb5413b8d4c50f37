// The decoder in reports: plain JavaScript, compared with the engines.
import { describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { parts } from "../../src/index.js";
import { TrainedModel } from "../../src/inference/trained-model.js";
import { buildModel } from "../../src/model/build.js";
import { ACTIVATIONS, type ActivationName } from "../../src/model/layers.js";
import { LIKELIHOODS } from "../../src/model/registry.js";
import { DenseDecoder } from "../../src/page/dense-decoder.js";
import { encodeDecoder } from "../../src/report/decoder.js";
import { array, ENGINES, open, weyl, weylParams } from "../helpers.js";

const SIZE = { height: 3, width: 4, channels: 1 };
const CLASSES = [
  { name: "a", images: 1 },
  { name: "b", images: 1 },
  { name: "c", images: 1 },
];
const DIM_Z = 3;

/** A model with weights that are large enough for all parts of the activations. */
async function modelOf(given: object, size = SIZE, own?: parts.BuildParts) {
  const config = createConfig({ nHidden: [7, 9], dimZ: DIM_Z, ...given });
  const classes = config.conditional ? CLASSES : undefined;
  const model = buildModel(config, { ...size, ...(classes && { classes: classes.length }) }, own);
  const engine = await open(ENGINES[0], 1);
  return new TrainedModel({ engine, model, params: weylParams(model, () => 1.5), size, config, classes });
}

async function largestError(model: TrainedModel, ofClass?: number): Promise<number> {
  const contents = encodeDecoder(model);
  if (!contents) throw new Error("This decoder is not described as fully connected layers");
  const dense = new DenseDecoder(contents);
  const z = array(weyl(8 * DIM_Z, -3, 3), [8, DIM_Z]);
  const options = ofClass === undefined ? {} : { class: CLASSES[ofClass].name };
  const expected = await model.decode(z, options);
  const rows = Array.from({ length: 8 }, (_, i) => [
    ...dense.decode(z.data.subarray(i * DIM_Z, (i + 1) * DIM_Z), ofClass),
  ]);
  const actual = rows.flat();
  expect(actual).toHaveLength(expected.data.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - expected.data[i])));
}

describe("the decoder of a report", () => {
  it.each(Object.keys(ACTIVATIONS) as ActivationName[])("computes %s as the engine does", async (activation) => {
    await using model = await modelOf({ decoderActivations: [activation, "tanh"] });
    expect(await largestError(model)).toBeLessThan(1e-5);
  });

  it.each(Object.keys(LIKELIHOODS))("computes the mean of %s pixels", async (likelihood) => {
    await using model = await modelOf({ likelihood }, { ...SIZE, channels: 3 });
    expect(await largestError(model)).toBeLessThan(1e-5);
  });

  it("decodes each class of a conditional model", async () => {
    await using model = await modelOf({ conditional: true });
    for (const place of CLASSES.keys()) expect(await largestError(model, place)).toBeLessThan(1e-5);
  });

  it("describes own parts of fully connected layers", async () => {
    await using model = await modelOf({}, SIZE, (config, input) => {
      const pieces = parts.pieces(config, input);
      const { dense } = parts;
      const decoder = {
        wide: dense({ units: 8, activation: "silu", weight: "he" }),
        out: dense({ units: 12, weight: "he" }),
      };
      return parts.assemble({ ...pieces, decoder: parts.sequential(decoder) });
    });
    expect(await largestError(model)).toBeLessThan(1e-5);
  });

  it.each([
    ["convolutions", { network: "conv", filters: [4], denseUnits: [8] }, SIZE],
    ["two layers of latents", { dimZ: [3, 2] }, SIZE],
    ["more than 20 MB", { nHidden: [100] }, { height: 250, width: 250, channels: 1 }],
  ])("is left out for %s", async (_, given, size) => {
    await using model = await modelOf(given, size);
    expect(encodeDecoder(model)).toBeUndefined();
  });

  it.each([
    [
      "another layer",
      (layer: parts.Layer) =>
        parts.sequential([
          layer,
          {
            specs: (output: readonly number[]) => ({ params: {}, draws: {}, output }),
            apply: (_: unknown, x: never) => x,
          },
        ] as parts.Layer[]),
    ],
    ["a wrong description", (layer: parts.Layer) => ({ ...layer, chain: layer.chain?.slice(1) })],
  ])("is left out for own parts with %s", async (_, change) => {
    await using model = await modelOf({}, SIZE, (config, input) => {
      const pieces = parts.pieces(config, input);
      return parts.assemble({ ...pieces, decoder: change(pieces.decoder) });
    });
    expect(encodeDecoder(model)).toBeUndefined();
  });
});
