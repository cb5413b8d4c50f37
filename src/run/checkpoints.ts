// Reads and writes the checkpoints of a run: checkpoint/step-<number>.safetensors, each with a checksum.
import { rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { checkRegular, listNames, readBytes } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import { decodeSafetensors, encodeSafetensors, type TensorFile } from "../formats/safetensors.js";

/** Checkpoints that are kept. */
const MAX_CHECKPOINTS = 2;

/** Writes a checkpoint, and deletes old ones. `step`: the number of steps since training began. */
export async function writeCheckpoint(folder: string, step: number, content: TensorFile): Promise<void> {
  const name = `step-${String(step).padStart(9, "0")}.safetensors`;
  await writeFileAtomically(path.join(folder, name), encodeSafetensors(content));
  const others = (await listCheckpoints(folder)).filter((other) => other !== name);
  for (const old of others.slice(MAX_CHECKPOINTS - 1)) await rm(path.join(folder, old), { force: true });
}

export async function hasCheckpoint(folder: string): Promise<boolean> {
  return (await listCheckpoints(folder)).length > 0;
}

/** Reads the last checkpoint. @throws UserError if there is none, or it is damaged. Names the previous one, if that is valid. */
export async function readCheckpoint(folder: string): Promise<{ file: string; content: TensorFile }> {
  const [last, before] = (await listCheckpoints(folder)).map((name) => path.join(folder, name));
  if (last === undefined) {
    throw new UserError(`${path.dirname(folder)} has no checkpoint to resume from. Train anew: vae train.`);
  }
  try {
    return { file: last, content: await read(last) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const isOther = before !== undefined && (await read(before).catch(() => undefined)) !== undefined;
    const remedy = isOther
      ? `The previous one is whole: delete ${last} to resume from ${before}.`
      : "No other one is whole, so the run cannot be resumed.";
    throw new UserError(`${error.message} ${remedy}`);
  }
}

async function read(file: string): Promise<TensorFile> {
  checkRegular(file);
  const content = decodeSafetensors(await readBytes(file), file);
  if (content.metadata.sha256 === undefined) throw new UserError(`${file} has no checksum, so it was damaged.`);
  return content;
}

/** Lists their names, the last one first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  return (await listNames(folder))
    .filter((name) => /^step-\d{9,}\.safetensors$/.test(name))
    .sort((a, b) => b.length - a.length || (a < b ? 1 : -1));
}
