// vae export
import path from "node:path";
import { declare } from "./command.js";
import { choiceFlag, JSON_RESULT, pathFlag, RUN } from "./flags.js";

const FORMATS =
  "onnx writes encoder.onnx (pixels → mean, sigma) and decoder.onnx (z → pixels); tensorboard writes an event file " +
  "(numbers and pictures of all epochs, settings, test) and the projector of test images";

export const define = declare({
  flags: {
    ...RUN,
    format: choiceFlag(["onnx", "tensorboard"], FORMATS, "onnx"),
    out: pathFlag("<folder>", "folder for the files (default: the run's folder; for tensorboard, tensorboard/ in it)"),
    ...JSON_RESULT,
  },
  examples: [
    "vae export",
    "vae export --run runs/mine --out models",
    "vae export --format tensorboard && tensorboard --logdir runs",
  ],
  async run(io, { run, format, out, json }, tools) {
    await tools.withModel(io, { run }, async (model) => {
      const { dir } = model.folder;
      if (format === "tensorboard") {
        // Not in tools.ts: loads protobuf.
        const { exportTensorBoard } = await import("../inference/tensorboard.js");
        const folder = await exportTensorBoard(model, out);
        tools.print(io, json ? JSON.stringify({ run: dir, format, folder }) : folder);
        return;
      }
      const [encoder, decoder] = ["encoder", "decoder"].map((name) => path.join(out ?? dir, `${name}.${format}`));
      const models = await model.toOnnx();
      if (out !== undefined) await tools.makeFolder(out);
      await tools.writeFileAtomically(encoder, models.encoder);
      await tools.writeFileAtomically(decoder, models.decoder);
      if (json) tools.print(io, JSON.stringify({ run: dir, format, encoder, decoder }));
      else tools.print(io, encoder, decoder);
    });
  },
});
