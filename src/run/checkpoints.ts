// The checkpoints of a run: checkpoint/step-<number>.safetensors, the last two. Each is whole, and carries a checksum.
import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { readBytes } from "../files/read.js";
import { listNames } from "../files/stat.js";
import { writeFileAtomically } from "../files/write.js";
import type { TensorFile } from "../formats/safetensors.js";
import { decodeSafetensors, encodeSafetensors } from "../formats/safetensors.js";

const GENERATIONS = 2;

/**
 * Writes a checkpoint, and deletes those that are no longer needed.
 *
 * @param step steps done since the training began
 */
export async function writeCheckpoint(folder: string, step: number, content: TensorFile): Promise<void> {
  const name = `step-${String(step).padStart(9, "0")}.safetensors`;
  await writeFileAtomically(path.join(folder, name), encodeSafetensors(content));
  const others = (await listCheckpoints(folder)).filter((other) => other !== name);
  for (const old of others.slice(GENERATIONS - 1)) await rm(path.join(folder, old), { force: true });
}

/** Whether there is one. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  return (await listCheckpoints(folder)).length > 0;
}

/**
 * The last checkpoint.
 *
 * @returns undefined if there is none
 * @throws UserError if it is damaged, which names the one before it if that is whole
 */
export async function readCheckpoint(folder: string): Promise<{ file: string; content: TensorFile } | undefined> {
  const [last, before] = (await listCheckpoints(folder)).map((name) => path.join(folder, name));
  if (last === undefined) return undefined;
  try {
    return { file: last, content: await read(last) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const remedy = (await isWhole(before))
      ? `The one before it is whole: delete ${last} to go on from ${before}.`
      : "No other one is whole, so the run cannot go on.";
    throw new UserError(`${error.message} ${remedy}`);
  }
}

async function isWhole(file: string | undefined): Promise<boolean> {
  if (file === undefined) return false;
  try {
    await read(file);
    return true;
  } catch {
    return false;
  }
}

async function read(file: string): Promise<TensorFile> {
  if ((await stat(file)).isDirectory()) throw new UserError(`${file} is a folder, not a checkpoint.`);
  const content = decodeSafetensors(await readBytes(file), file);
  if (content.metadata.sha256 === undefined) throw new UserError(`${file} has no checksum, so it was damaged.`);
  return content;
}

/** Their names, the last one first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  return (await listNames(folder))
    .filter((name) => /^step-\d{9,}\.safetensors$/.test(name))
    .sort((a, b) => b.length - a.length || (a < b ? 1 : -1));
}
