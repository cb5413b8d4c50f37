// vae explore
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.js";
import { wholeNumber } from "../values/domains.js";
import { declare } from "./command.js";
import { flag, RUN, toggle } from "./flags.js";

/** Threads of a model's engine. A training in another process gets the other half of the processors. */
const THREADS = Math.min(4, Math.ceil(availableParallelism() / 2));
const PAGE = fileURLToPath(new URL("../page", import.meta.url));

export const define = declare({
  flags: {
    ...RUN,
    port: flag("<number>", "port of the server (default: any free port)", wholeNumber({ min: 1, max: 65_535 })),
    open: toggle("open the page in the browser"),
  },
  examples: ["vae explore", "vae explore --run runs/denoiser --port 8000 --open"],
  async run(io, { run, port = 0, open }, tools) {
    const { createRoutes, ExploredRuns, ModelProcesses, note, openPage, print, startServer } = tools;
    const runs = new ExploredRuns(run);
    await runs.check();
    const models = new ModelProcesses(THREADS);
    const server = await startServer(await createRoutes(runs, models, PAGE), port).catch((error) => {
      if (error.code !== "EADDRINUSE") throw error;
      throw new UserError(`--port ${port} is in use. Choose another one, or leave out --port.`);
    });
    print(io, server.address);
    note(io, "Only this machine can open this address. Ctrl-C ends vae explore.");
    const { stop } = io;
    const stopped = new Promise<void>((resolve) => {
      if (stop?.aborted) resolve();
      else stop?.addEventListener("abort", () => resolve());
    });
    await (open ? openPage(io, server.address, stopped) : stopped);
    models.close();
    await server.close();
  },
});
