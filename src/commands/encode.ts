// vae encode
import type { Encoded, HostArray } from "../index.js";
import { declare } from "./command.js";
import { DRAWS, formatFlag, IMAGES, place, RUN, settingFlags } from "./flags.js";

const FORMATS = ["jsonl", "npy"] as const;

export const define = declare({
  flags: {
    ...RUN,
    ...IMAGES,
    input: place(
      "<file>",
      "an array instead of a data set: a .npy file, or - for standard input, of [N, height, width] or " +
        "[N, pixels], in colour [N, height, width, 3], uint8 or floats from 0 to 1",
      { conflicts: ["split", "dataset"] },
    ),
    ...settingFlags("layout"),
    ...DRAWS,
    format: formatFlag(FORMATS),
    out: place("<file>", "output file, a .jsonl or .npy, or - (default: standard output)"),
  },
  examples: ["vae encode --out latents.npy", "vae encode --n 10 | vae decode --out ten.png"],
  async run(io, { run, split, dataset, input, layout, n, draws, seed, format, out }, tools) {
    const { chooseTarget, firstOf, lineParts, noteClean, npyParts, readImages, withModel, writeParts } = tools;
    const target = chooseTarget(io, out, format, FORMATS);
    await withModel(io, run, async (model) => {
      const given = input === undefined ? undefined : await readImages(io, input, model, layout);
      const images = firstOf(given ?? (await model.loadData(dataset))[split], n);
      if (!given) noteClean(io, model, dataset);
      const parts = model.encodeParts(images, { what: draws ? "draws" : "means", seed });
      const [count, labels] = "data" in images ? [images.shape[0]] : [images.count, images.labels];
      const isNpy = target.format === "npy";
      await writeParts(io, target, isNpy ? npyParts(count, onlyZ(parts)) : lineParts(parts, labels));
    });
  },
});

async function* onlyZ(parts: AsyncIterable<Encoded>): AsyncGenerator<HostArray<Float32Array>, void> {
  for await (const { z } of parts) yield z;
}
