// vae encode
import { Command, Option } from "commander";
import type { datasets, Encoded, EncodeOptions, Evaluation, HostArray, Model } from "../index.js";
import { countOption, example, placeOption, runOption, seedOption, splitOption } from "./flags.js";

const MOST_IMAGES = 1_000_000_000;
const READ_AT_ONCE = 5000;
const FORMATS = ["jsonl", "npy"] as const;

interface EncodeFlags {
  run?: string;
  split: Evaluation["split"];
  input?: string;
  n?: number;
  draws?: true;
  seed?: number;
  format?: (typeof FORMATS)[number];
  out?: string;
}

export function encodeCommand(): Command {
  return new Command("encode")
    .description("write where images lie in the latent space, as JSON lines or for NumPy")
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(splitOption("the images of the run's data set to encode"))
    .addOption(
      placeOption(
        "--input <file>",
        "other images: a .npy file, or - for standard input, of [N, height, width] or [N, pixels], uint8 or floats from 0 to 1",
      ).conflicts("split"),
    )
    .addOption(countOption("the first so many images (default: all)", MOST_IMAGES))
    .addOption(new Option("--draws", "a draw from each posterior in place of its mean"))
    .addOption(seedOption("of the draws, and of the pixels where binarization is dynamic"))
    .addOption(
      new Option("--format <format>", "how to write them (default: by the file's name; into a pipe, jsonl)").choices(
        FORMATS,
      ),
    )
    .addOption(placeOption("--out <file>", "where to write, a .jsonl or .npy, or - (default: standard output)"))
    .addHelpText("after", example("vae encode --out latents.npy", "vae encode --n 10 | vae decode --out ten.png"))
    .action(run);
}

async function run({ run: folder, split, input, n, draws, seed, format, out }: EncodeFlags): Promise<void> {
  const [{ chooseTarget, firstOf, npyParts, readImages, writeParts }, { countOf }, { note, withModel }] =
    await Promise.all([import("./array-files.js"), import("../library/training-data.js"), import("./output.js")]);
  const target = await chooseTarget(out, format, FORMATS);
  const given = input === undefined ? undefined : await readImages(input);
  await withModel(folder, async (model) => {
    if (!given && model.config.noise !== "none") {
      note("The images are clean, though this model was trained to see noisy ones.");
    }
    const options = { what: draws ? "draws" : "means", seed } as const;
    let count: number;
    let parts: AsyncIterable<Encoded>;
    let labels: ArrayLike<number> | undefined;
    if (given) {
      const images = n === undefined ? given : firstOf(given, n);
      [count] = images.shape;
      parts = model.encodeParts(images, options);
    } else {
      const data = await model.loadData();
      count = n === undefined ? data[split].count : countOf(data[split], n);
      parts = encodeSet(model, data, split, count, options);
      labels = data[split].labels;
    }
    const shape = [count, model.config.dimZ];
    await writeParts(target, target.format === "npy" ? npyParts(shape, onlyZ(parts)) : lines(parts, labels));
  });
}

/** The first `count` images of a set, some at a time, since they may lie on the disk. */
async function* encodeSet(
  model: Model,
  data: datasets.Dataset,
  split: EncodeFlags["split"],
  count: number,
  options: EncodeOptions,
): AsyncGenerator<Encoded, void> {
  const { datasets } = await import("../index.js");
  for (let first = 0; first < count; first += READ_AT_ONCE) {
    const images = datasets.read(data, split, first, Math.min(READ_AT_ONCE, count - first));
    yield* model.encodeParts(images, { ...options, first: data[split].offset + first });
  }
}

async function* onlyZ(parts: AsyncIterable<Encoded>): AsyncGenerator<HostArray<Float32Array>, void> {
  for await (const { z } of parts) yield z;
}

async function* lines(parts: AsyncIterable<Encoded>, labels?: ArrayLike<number>): AsyncGenerator<string, void> {
  const { formatLatentLine } = await import("../data/latent-lines.js");
  let image = 0;
  for await (const { z, sigma } of parts) {
    const [count, dimZ] = z.shape;
    let text = "";
    for (let i = 0; i < count; i++, image++) {
      const row = (array?: HostArray<Float32Array>) => array?.data.subarray(i * dimZ, (i + 1) * dimZ);
      text += formatLatentLine({ image, label: labels?.[image], z: row(z) as Float32Array, sigma: row(sigma) });
    }
    yield text;
  }
}
