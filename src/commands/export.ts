// vae export
import path from "node:path";
import { declare } from "./command.js";
import { choiceFlag, JSON_RESULT, pathFlag, RUN } from "./flags.js";

export const define = declare({
  flags: {
    ...RUN,
    format: choiceFlag(["onnx"], "encoder.onnx: pixels → mean, sigma; decoder.onnx: z → pixels", "onnx"),
    out: pathFlag("<folder>", "folder for the files (default: the run's folder)"),
    ...JSON_RESULT,
  },
  examples: ["vae export", "vae export --run runs/mine --out models"],
  async run(io, { run, format, out, json }, { makeFolder, print, withModel, writeFileAtomically }) {
    await withModel(io, { run }, async (model) => {
      const folder = out ?? model.folder.dir;
      const [encoder, decoder] = ["encoder", "decoder"].map((name) => path.join(folder, `${name}.${format}`));
      const models = await model.toOnnx();
      if (out !== undefined) await makeFolder(out);
      await writeFileAtomically(encoder, models.encoder);
      await writeFileAtomically(decoder, models.decoder);
      if (json) print(io, JSON.stringify({ run: model.folder.dir, format, encoder, decoder }));
      else print(io, encoder, decoder);
    });
  },
});
