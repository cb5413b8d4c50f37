// The calls of the page, as functions of a loaded model and the data of its training.
import { checkOptions, listOf, maybe } from "../arguments.js";
import { describePixels, objectiveTitle } from "../config/names.js";
import { SETTINGS } from "../config/settings.js";
import { nameOfLabel } from "../data/classes.js";
import { type ImageSet, imageAt } from "../data/dataset.js";
import { decodeImages } from "../data/image-files.js";
import { COUNT, numberIn, pixelsInMemory, pixelsOf, range } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { checkFinite } from "../inference/arrays.js";
import type { DrawConfig } from "../inference/batches.js";
import { samplePrior } from "../inference/coding.js";
import { variancesOf } from "../inference/evaluation.js";
import { inferImage } from "../inference/inference.js";
import { CLASS_OPTION, labelImages } from "../inference/labels.js";
import { principalPlane } from "../inference/latent-plane.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import { encodeMeans } from "../inference/measures.js";
import type { Noise } from "../noise.js";
import { toShades } from "../pictures/figures.js";
import { describeSettings } from "../run/list.js";
import { repeatCommand } from "../run/repeat.js";
import { isRecord } from "../values/checker.js";
import { number, TEXT, wholeNumber } from "../values/domains.js";
import type { ExploredModel } from "./explored-model.js";
import { PACKED_BYTES, PACKED_FLOATS, pack, packLabels } from "./packed.js";
import type { Inference, Latents, ModelCalls, ModelInfo, PackedArray } from "./protocol.js";

type Given = Readonly<Record<string, unknown>>;
type Calls = {
  readonly [Call in keyof ModelCalls]: (
    model: LoadedModel,
    given: Given,
    explored: ExploredModel,
  ) => Promise<ReturnType<ModelCalls[Call]>>;
};

/** Images in an answer. */
const MAX_IMAGES = 1024;
/** Bytes of images in an answer. */
const MAX_IMAGE_BYTES = 2 ** 25;
/** Numbers of latents in an answer. */
const MAX_LATENT_NUMBERS = 2 ** 23;

const INDEX = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** The largest strength of any noise; 0 is no noise. */
const STRENGTH = number({ min: 0, max: 10 });

const CALLS: Calls = { info, latents, decode, draw, infer, inferTest, testImages, openFile };

/** Answers the body of a request. @throws UserError if the call or an argument is invalid, or files cannot be read */
export async function answerCall(explored: ExploredModel, body: unknown): Promise<unknown> {
  const { run, call, ...given } = isRecord(body) ? body : {};
  if (typeof call !== "string" || !Object.hasOwn(CALLS, call)) {
    throw new UserError(`There is no such call. Calls are ${Object.keys(CALLS).join(", ")}.`);
  }
  return CALLS[call as keyof Calls](await explored.load(), given, explored);
}

async function info(trained: LoadedModel, given: Given): Promise<ModelInfo> {
  checkOptions({}, given);
  const { config, folder, size, model, classes } = trained;
  const { data } = folder.config;
  return {
    run: folder.dir,
    epoch: epochOf(trained),
    ...size,
    dimZ: decodedDims(trained),
    isDrawn: model.isDrawn,
    hasNormalPrior: model.isDrawn && model.parts.hasNormalPrior === true,
    ...(classes && { classes: classes.map(({ name }) => name) }),
    noise: config.noise,
    hasInputs: config.inputDir !== null,
    testImages: data.test,
    objective: objectiveTitle(config),
    pixels: describePixels(config),
    settings: describeSettings(config),
    command: repeatCommand(folder.config),
  };
}

async function latents(trained: LoadedModel, given: Given, explored: ExploredModel): Promise<Latents> {
  const { count } = checkOptions({ count: COUNT }, given);
  const { test } = await explored.loadData(trained);
  const all = trained.model.parts.dimZ;
  const dimZ = decodedDims(trained);
  const images = { ...test, count: Math.min(count, test.count, Math.max(2, Math.floor(MAX_LATENT_NUMBERS / all))) };
  const encoded = await encodeMeans(trained, images, drawConfigOf(trained, null));
  checkFinite({ data: encoded.means, shape: [images.count, all] }, "images");
  const means = firstColumns(encoded.means, all, dimZ);
  const plane = await principalPlane(means, dimZ);
  return {
    epoch: epochOf(trained),
    means: pack(means, [images.count, dimZ]),
    ...packLabels(images),
    ...(encoded.klPerDimension && { klPerDimension: encoded.klPerDimension }),
    variances: variancesOf(means, dimZ),
    ...(plane && {
      components: {
        origin: pack(plane.origin, [dimZ]),
        axes: pack(Float32Array.of(...plane.axes[0], ...plane.axes[1]), [2, dimZ]),
        explained: plane.explained,
      },
    }),
  };
}

async function decode(trained: LoadedModel, given: Given): Promise<PackedArray> {
  const { z, ...chosen } = checkOptions({ z: PACKED_FLOATS, ...CLASS_OPTION }, given);
  const dimZ = decodedDims(trained);
  const [count, Z, ...rest] = z.shape;
  if (Z !== dimZ || rest.length > 0) throw new UserError(`z has the shape [${z.shape}], not [count,${dimZ}].`);
  checkImages(trained, count);
  const all = trained.model.parts.dimZ;
  const rows = roundUp(count);
  const padded = new Float32Array(rows * all); // of two layers, the decoder ignores the second
  for (let at = 0; at < z.data.length; at++) padded[Math.floor(at / dimZ) * all + (at % dimZ)] = z.data[at];
  const { data } = await trained.decode({ data: padded, shape: [rows, all] }, chosen);
  const images = data.subarray(0, count * pixelsOf(trained.size));
  return pack(toShades(images), [count, ...shapeOf(trained)]);
}

/** Rounds to three binary digits, so that the engine keeps programs of 32 sizes of a batch, and not of 1,024. */
function roundUp(count: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(count)) - 2);
  return step * Math.ceil(count / step);
}

async function draw(trained: LoadedModel, given: Given): Promise<PackedArray> {
  const { seed } = checkOptions({ seed: SETTINGS.seed }, given);
  const z = await samplePrior(trained, 0, 1, seed);
  checkFinite({ data: z, shape: [1, z.length] }, "latents");
  const dimZ = decodedDims(trained);
  return pack(z.subarray(0, dimZ), [dimZ]);
}

async function infer(trained: LoadedModel, given: Given): Promise<Inference> {
  const options = checkOptions({ image: PACKED_BYTES, noise: maybe(STRENGTH), ...CLASS_OPTION }, given);
  const { image, noise: strength = 0, ...chosen } = options;
  const { size, classes, config } = trained;
  const shape = shapeOf(trained);
  if (String(image.shape) !== String(shape))
    throw new UserError(`The image has the shape [${image.shape}], not [${shape}].`);
  if (strength > 0 && !config.noise) throw new UserError("This model was trained without noise. Leave out the noise.");
  const noise = config.noise && strength > 0 ? SETTINGS.noise.check({ ...config.noise, strength }) : null;
  const set = { count: 1, offset: 0, pixels: pixelsInMemory(image.data, pixelsOf(size)) };
  return inferOne(trained, labelImages(set, classes, chosen), noise);
}

async function inferTest(trained: LoadedModel, given: Given, explored: ExploredModel): Promise<Inference> {
  const { index } = checkOptions({ index: INDEX }, given);
  const { test } = await explored.loadData(trained);
  const image = imageAt(test, index);
  const inference = await inferOne(trained, image, null);
  return { ...inference, ...(image.labels && { label: nameOfLabel(image, image.labels[0]) }) };
}

async function inferOne(trained: LoadedModel, image: ImageSet, noise: Noise | null): Promise<Inference> {
  const inference = await inferImage(trained, image, drawConfigOf(trained, noise));
  const toImage = (pixels: Float32Array) => pack(toShades(pixels), shapeOf(trained));
  const dimZ = decodedDims(trained);
  const toRow = (values: ArrayLike<number>) => pack(Float32Array.from(values).subarray(0, dimZ), [dimZ]);
  return {
    original: toImage(inference.original),
    ...(inference.input && { input: toImage(inference.input) }),
    reconstruction: toImage(inference.reconstruction),
    mean: toRow(inference.mean),
    ...(inference.sigma && { sigma: toRow(inference.sigma) }),
    ...(inference.klPerDimension && { klPerDimension: toRow(inference.klPerDimension) }),
    bounds: inference.elbo,
  };
}

async function testImages(trained: LoadedModel, given: Given, explored: ExploredModel): Promise<PackedArray> {
  const { indices } = checkOptions({ indices: listOf(INDEX, 1) }, given);
  checkImages(trained, indices.length);
  const { test } = await explored.loadData(trained);
  const numbers = Uint32Array.from(indices, (index) => numberIn(range(0, test.count), index));
  return pack(test.pixels.read(numbers), [indices.length, ...shapeOf(trained)]);
}

/** Shows drawings that the model's background would hide on the opposite one, inverted. */
async function openFile(trained: LoadedModel, given: Given): Promise<PackedArray> {
  const { base64 } = checkOptions({ base64: TEXT }, given);
  const { settings, data } = trained.folder.config;
  const bytes = Buffer.from(base64, "base64");
  const read = async () => bytes;
  const open = (invert: boolean) => {
    const background = settings.background ?? "black";
    return decodeImages(["The file"], trained.size, { invert, background, scales: data.scales, read });
  };
  const opened = await open(false);
  const { pixels } = opened.isHidden ? await open(true) : opened;
  return pack(pixels, shapeOf(trained));
}

/** The epoch of the weights; 0 if another program wrote them. */
function epochOf({ metadata }: LoadedModel): number {
  return Number(metadata.epoch) || 0;
}

/** The binarization and the seed of the training, with this noise. */
function drawConfigOf({ config: { binarize, seed } }: LoadedModel, noise: Noise | null): DrawConfig {
  return { binarize, seed, noise };
}

/** The shape of an image: [height, width, channels]. */
function shapeOf({ size: { height, width, channels } }: LoadedModel): number[] {
  return [height, width, channels];
}

/** The dimensions that the decoder reads. */
function decodedDims({ model, config }: LoadedModel): number {
  return typeof config.dimZ === "number" ? model.parts.dimZ : config.dimZ[0];
}

/** @throws UserError if images are too many for an answer */
function checkImages({ size }: LoadedModel, count: number): void {
  const max = Math.max(1, Math.min(MAX_IMAGES, Math.floor(MAX_IMAGE_BYTES / pixelsOf(size))));
  if (count > max) throw new UserError(`A call returns up to ${max} images of this size, and not ${count}.`);
}

/** The first columns of a matrix [N, from]: [N, to]. */
function firstColumns(values: Float32Array, from: number, to: number): Float32Array {
  return from === to ? values : values.filter((_, at) => at % from < to);
}
