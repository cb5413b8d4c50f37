// vae decode
import { type Command, Option } from "commander";
import { UserError } from "../errors.js";
import type { HostArray, LoadedModel } from "../index.js";
import { example, placeOption, runOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_IN_GRID = 10_000;
const FORMATS = ["npy", "png"] as const;

interface DecodeFlags {
  run?: string;
  input: string;
  format?: (typeof FORMATS)[number];
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(
      placeOption(
        "--input <file>",
        'latents: a .npy file of [N, Z], or JSON lines such as {"z":[0.5,-1]}, or - for standard input',
      ).default("-"),
    )
    .addOption(
      new Option("--format <format>", "format (default: that of the file's name; npy for standard output)").choices(
        FORMATS,
      ),
    )
    .addOption(
      placeOption(
        "--out <file>",
        "output file: a .npy of [N, height, width], in colour [N, height, width, 3], from 0 to 1, a .png of a grid, or - (default: standard output)",
      ),
    )
    .addHelpText(
      "after",
      example("vae decode --input latents.npy --out images.npy", "vae encode --n 10 | vae decode --out ten.png"),
    )
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, input, format, out }: DecodeFlags): Promise<void> {
  const [{ chooseTarget, npyParts, readLatents, writeParts }, { withModel }, { maxTiles }] = await Promise.all([
    import("./array-files.js"),
    import("./output.js"),
    import("../inference/views.js"),
  ]);
  const target = chooseTarget(io, out, format, FORMATS);
  const z = await readLatents(io, input);
  const [count] = z.shape;
  await withModel(io, folder, async (model) => {
    const most = Math.min(MAX_IN_GRID, maxTiles(model.size));
    if (target.format === "png" && count > most) {
      throw new UserError(`A grid holds up to ${most} images, not ${count}. Write them as .npy.`);
    }
    await writeParts(io, target, target.format === "png" ? grid(model, z) : npyParts(count, model.decodeParts(z)));
  });
}

async function* grid(model: LoadedModel, z: HostArray<Float32Array>): AsyncGenerator<Uint8Array, void> {
  const { drawImages, encodePng } = await import("../index.js");
  yield encodePng(drawImages(await model.decode(z)));
}
