// The last checkpoints of a run: checkpoint/step-<number>.safetensors.
import { rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { listNames, readBytes, statIfThere } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import type { TensorFile } from "../formats/safetensors.js";
import type { RunConfig } from "./config.js";
import { checkRun, decodeTensors, encodeTensors } from "./tensors.js";

export const CHECKPOINTS = "checkpoint";
const MAX_CHECKPOINTS = 2;

/** Writes the checkpoint after `step` steps, and deletes old ones. */
export async function writeCheckpoint(
  run: string,
  config: RunConfig,
  step: number,
  content: TensorFile,
): Promise<void> {
  const file = path.join(run, CHECKPOINTS, `step-${String(step).padStart(9, "0")}.safetensors`);
  await writeFileAtomically(file, encodeTensors(content, config));
  const others = (await listCheckpoints(run)).filter((other) => other !== file);
  for (const old of others.slice(MAX_CHECKPOINTS - 1)) await rm(old, { force: true });
}

/**
 * Reads the last checkpoint.
 *
 * @throws UserError if there is none, or it is damaged or of another run. Names the previous one, if that is valid
 */
export async function readLastCheckpoint(
  run: string,
  config: RunConfig,
): Promise<{ file: string; content: TensorFile }> {
  const [last, before] = await listCheckpoints(run);
  if (!last) throw new UserError(`${run} has no checkpoint to resume from. Start a new run: vae train.`);
  try {
    return { file: last, content: await readCheckpoint(last, config) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const other = before && (await readCheckpoint(before, config).catch(() => undefined));
    const remedy = other
      ? `The previous checkpoint is valid: delete ${last} to resume from ${before}.`
      : "There is no other checkpoint to resume from.";
    throw new UserError(`${error.message} ${remedy}`);
  }
}

async function readCheckpoint(file: string, config: RunConfig): Promise<TensorFile> {
  const content = decodeTensors(await readBytes(file), file);
  if (content.metadata.sha256 === undefined) throw new UserError(`${file} has no checksum, so it was damaged.`);
  checkRun(content.metadata, config, file);
  return content;
}

/** Lists the checkpoints of a run, the latest first. @throws UserError if their folder is a file */
export async function listCheckpoints(run: string): Promise<string[]> {
  const folder = path.join(run, CHECKPOINTS);
  if (statIfThere(folder)?.isFile()) throw new UserError(`${folder} is a file, not a folder.`);
  return (await listNames(folder))
    .filter((name) => /^step-\d{9,}\.safetensors$/.test(name))
    .sort((a, b) => b.length - a.length || (a < b ? 1 : -1))
    .map((name) => path.join(folder, name));
}
