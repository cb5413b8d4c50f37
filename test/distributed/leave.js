// Run by mpirun in two processes that train together. Process 1 leaves the loop early ("break"), throws in it and
// trains again ("retry"), or aborts its signal ("abort").
import { joinProcesses, train } from "../../dist/index.js";

const [how, dataset, folder] = process.argv.slice(2);
const processes = await joinProcesses();
const controller = new AbortController();
const settings = { dataset, nHidden: [16], batchSize: 50, epochs: 200, checkpointSeconds: 0 };
const isLeaving = processes.rank === 1;

async function run(name) {
  const options = { run: `${folder}-${name}`, processes, signal: controller.signal };
  for await (const { type, epoch } of train(settings, options)) {
    if (!isLeaving || type !== "chunk" || epoch < 2) continue;
    if (how === "break") break;
    if (how === "retry") throw new Error("left");
    controller.abort();
  }
}

try {
  await run("first");
} catch (error) {
  process.stdout.write(`${processes.rank} ${error.name} ${error.message}\n`);
  if (how === "retry") await run("second");
}
processes.close();
