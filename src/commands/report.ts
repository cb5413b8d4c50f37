// vae report
import path from "node:path";
import { UserError } from "../errors.js";
import { declare } from "./command.js";
import { checkOutputFile, OPEN, pathFlag, RUN } from "./flags.js";

const DEFAULT_NAME = "report.html";

export const define = declare({
  flags: {
    ...RUN,
    out: {
      ...pathFlag("<file>", `HTML file to write (default: ${DEFAULT_NAME} in the run)`),
      check(file: string | undefined) {
        if (file === undefined) return;
        if (!/^\.html?$/i.test(path.extname(file))) {
          throw new UserError(`--out ${file}: a report is an HTML file. Give a name that ends in .html.`);
        }
        checkOutputFile(file);
      },
    },
    open: { ...OPEN.open, help: "open the report in the system's browser" },
  },
  examples: ["vae report", "vae report --run runs/mnist --out mnist.html"],
  async run(io, { run, out, open }, { createReport, note, openPicture, print, withModel, writeFileAtomically }) {
    await withModel(io, { run }, async (model) => {
      const { html, notes } = await createReport(model);
      const file = out ?? path.join(model.folder.dir, DEFAULT_NAME);
      await writeFileAtomically(file, html);
      print(io, file);
      for (const text of notes) note(io, text);
      if (open) await openPicture(io, file);
    });
  },
});
