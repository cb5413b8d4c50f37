// vae encode
import { type Command, Option } from "commander";
import type { datasets, Encoded, Evaluation, HostArray } from "../index.js";
import { countOption, example, placeOption, runOption, seedOption, splitOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_IMAGES = 1_000_000_000;
const FORMATS = ["jsonl", "npy"] as const;

interface EncodeFlags {
  run?: string;
  split: Evaluation["split"];
  dataset?: string;
  input?: string;
  n?: number;
  draws?: true;
  seed?: number;
  format?: (typeof FORMATS)[number];
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(splitOption("part of the data set to encode"))
    .addOption(placeOption("--dataset <mnist|path>", "other data than the model was trained on"))
    .addOption(
      placeOption(
        "--input <file>",
        "an array instead of a data set: a .npy file, or - for standard input, of [N, height, width] or [N, pixels], in colour [N, height, width, 3], uint8 or floats from 0 to 1",
      ).conflicts(["split", "dataset"]),
    )
    .addOption(countOption("number of images, from the first (default: all)", MAX_IMAGES))
    .addOption(new Option("--draws", "draw from each posterior instead of taking its mean"))
    .addOption(seedOption("seed of the draws, and of dynamic binarization"))
    .addOption(
      new Option("--format <format>", "format (default: that of the file's name; jsonl for standard output)").choices(
        FORMATS,
      ),
    )
    .addOption(placeOption("--out <file>", "output file, a .jsonl or .npy, or - (default: standard output)"))
    .addHelpText("after", example("vae encode --out latents.npy", "vae encode --n 10 | vae decode --out ten.png"))
    .action((flags) => run(io, flags));
}

async function run(
  io: Io,
  { run: folder, split, dataset, input, n, draws, seed, format, out }: EncodeFlags,
): Promise<void> {
  const [{ chooseTarget, firstOf, npyParts, readImages, writeParts }, { note, withModel }] = await Promise.all([
    import("./array-files.js"),
    import("./output.js"),
  ]);
  const target = chooseTarget(io, out, format, FORMATS);
  const given = input === undefined ? undefined : await readImages(io, input);
  await withModel(io, folder, async (model) => {
    const images = firstOf(given ?? (await model.loadData(dataset))[split], n);
    const { noise, inputDir } = model.config;
    if (!given && (noise !== null || (inputDir !== null && dataset !== undefined))) {
      note(io, "The images are clean, but this model was trained on noisy ones.");
    }
    const parts = model.encodeParts(images, { what: draws ? "draws" : "means", seed });
    const [count, labels] = "data" in images ? [images.shape[0]] : [images.count, images.labels];
    await writeParts(io, target, target.format === "npy" ? npyParts(count, onlyZ(parts)) : lines(parts, labels));
  });
}

async function* onlyZ(parts: AsyncIterable<Encoded>): AsyncGenerator<HostArray<Float32Array>, void> {
  for await (const { z } of parts) yield z;
}

async function* lines(
  parts: AsyncIterable<Encoded>,
  labels?: datasets.ImageSet["labels"],
): AsyncGenerator<string, void> {
  const { formatLatentLine } = await import("../formats/latent-lines.js");
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
