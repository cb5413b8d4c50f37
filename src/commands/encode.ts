// vae encode
import type { Encoded, HostArray } from "../index.js";
import { declare } from "./command.js";
import { classFlag, DRAWS, formatFlag, IMAGES, MODEL, pathFlag, settingFlags } from "./flags.js";

const FORMATS = ["jsonl", "npz", "csv", "npy"] as const;

export const define = declare({
  flags: {
    ...MODEL,
    ...IMAGES,
    input: pathFlag(
      "<file>",
      "an array instead of a data set: a .npy file, or - for standard input, of [N, height, width] or " +
        "[N, pixels], in colour [N, height, width, 3], uint8 or floats from 0 to 1",
      { conflicts: ["split", "dataset"] },
    ),
    ...settingFlags("layout"),
    class: classFlag("the class of all images (default: each image's own, in a data set)"),
    ...DRAWS,
    format: formatFlag(FORMATS),
    out: pathFlag(
      "<file>",
      "output file: .jsonl, .npz or .csv with, for each image, its file or row, its label, z and, if q(z|x) is " +
        "Gaussian, sigma; .npy with z only; or - (default: standard output)",
    ),
  },
  examples: ["vae encode --out latents.csv", "vae encode --n 10 | vae decode --out ten.png"],
  async run(io, { run, device, split, dataset, input, layout, class: name, n, draws, seed, format, out }, tools) {
    const {
      checkArchiveSize,
      chooseTarget,
      firstOf,
      formatTable,
      joinEncoded,
      note,
      noteClean,
      npyParts,
      readImages,
      tabulate,
      withModel,
      writeParts,
    } = tools;
    const target = chooseTarget(io, out, format, FORMATS);
    await withModel(io, { run, device }, async (model) => {
      const given = input === undefined ? await model.loadData(dataset) : await readImages(io, input, model, layout);
      const isDataset = "train" in given;
      const images = firstOf(isDataset ? given[split] : given, n);
      const count = "data" in images ? images.shape[0] : images.count;
      if (isDataset) noteClean(io, model, dataset);
      if (isDataset && dataset !== undefined) {
        for (const text of given.notes) note(io, text);
        const all = given.train.count + given.validation.count + given.test.count;
        if (split === "test") {
          note(io, `Encoding the test images, ${given.test.count} of ${all}. --split chooses others.`);
        }
      }
      if (target.format === "npz") checkArchiveSize(count, model.model.parts.dimZ);

      const options = { what: draws ? "draws" : "means", seed, class: name } as const;
      const encode = () => model.encodeParts(images, options);
      if (target.format === "npy") return writeParts(io, target, npyParts(count, onlyZ(encode())));
      const parts = target.format === "npz" ? [await joinEncoded(encode())] : encode();
      const table = tabulate(images, isDataset ? given.classes : undefined, parts, name);
      await writeParts(io, target, formatTable[target.format](table));
    });
  },
});

async function* onlyZ(parts: AsyncIterable<Encoded>): AsyncGenerator<HostArray<Float32Array>, void> {
  for await (const { z } of parts) yield z;
}
