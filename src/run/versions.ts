// Versions of a run's files: texts that change whenever the files do, to notice changes by polling.
import path from "node:path";
import { listEntries, statIfThere } from "../files/read.js";
import { CONFIG } from "./config.js";
import { METRICS } from "./folder.js";
import { lockState } from "./lock.js";
import { MODEL } from "./model-file.js";
import { PICTURES } from "./pictures.js";

/** A text that changes whenever the weights do. @returns undefined if the run has none yet */
export function modelVersion(run: string): string | undefined {
  const model = versionOf(path.join(run, MODEL));
  return model && `${model} ${versionOf(path.join(run, CONFIG))}`;
}

/** A text that changes whenever an epoch ends, a picture is written, or the training starts or ends. */
export async function progressVersion(run: string): Promise<string> {
  const folders = (await listEntries(path.join(run, PICTURES))).filter((entry) => entry.isDirectory());
  const pictures = [PICTURES, ...folders.map(({ name }) => path.join(PICTURES, name))];
  const versions = [METRICS, CONFIG, ...pictures].map((name) => versionOf(path.join(run, name)));
  return [await lockState(run), ...versions].join(" ");
}

/** A text that changes whenever a file is replaced, or the entries of a folder change. */
function versionOf(place: string): string | undefined {
  const found = statIfThere(place);
  return found && `${found.ino}-${found.mtimeMs}-${found.size}`;
}
