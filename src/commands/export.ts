// vae export
import path from "node:path";
import { type Command, Option } from "commander";
import { example, placeOption, runOption } from "./flags.js";
import type { Io } from "./io.js";

const FORMATS = ["onnx"] as const;

interface ExportFlags {
  run?: string;
  format: (typeof FORMATS)[number];
  out?: string;
  json?: true;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(
      new Option("--format <onnx>", "encoder.onnx: pixels → mean, sigma; decoder.onnx: z → pixels")
        .choices(FORMATS)
        .default("onnx"),
    )
    .addOption(placeOption("--out <folder>", "folder for the files (default: that of the run)"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addHelpText("after", example("vae export", "vae export --run runs/mine --out models"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, format, out, json }: ExportFlags): Promise<void> {
  const [{ print, withModel }, { makeFolder, writeFileAtomically }] = await Promise.all([
    import("./output.js"),
    import("../files/write.js"),
  ]);
  await withModel(io, folder, async (model) => {
    const place = out ?? model.folder.dir;
    const [encoder, decoder] = ["encoder", "decoder"].map((name) => path.join(place, `${name}.${format}`));
    const models = await model.toOnnx();
    if (out !== undefined) await makeFolder(out);
    await writeFileAtomically(encoder, models.encoder);
    await writeFileAtomically(decoder, models.decoder);
    print(io, json ? JSON.stringify({ run: model.folder.dir, format, encoder, decoder }) : `${encoder}\n${decoder}`);
  });
}
