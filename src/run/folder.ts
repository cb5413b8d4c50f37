// The folder of a run: config.json, metrics.jsonl, test.json, evaluation.json, model.safetensors, pictures/,
// tensorboard/ if requested, checkpoint/step-<number>.safetensors and, while a process trains it, a lock.
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.js";
import { UserError } from "../errors.js";
import {
  ifPresent,
  isSamePlace,
  listEntries,
  listNames,
  readBytes,
  readStart,
  readText,
  statIfThere,
} from "../files/read.js";
import { makeSubfolder, TEMPORARY, writeFileAtomically } from "../files/write.js";
import { recognize, SAFETENSORS } from "../formats/recognize.js";
import { decodeMetadata, decodeSafetensors, encodeSafetensors, type TensorFile } from "../formats/safetensors.js";
import type { HostParams } from "../model/initialize.js";
import type { Specs } from "../model/specs.js";
import type { HostArray } from "../tree.js";
import { printable } from "../wording.js";
import { CONFIG, defaultName, type RunConfig, readRunConfig, writeRunConfig } from "./config.js";
import { createLocked } from "./create.js";
import { EventFolder } from "./event-folder.js";
import { findNewest, RUNS } from "./find.js";
import { isGroup } from "./group.js";
import { lockRun, lockState, type RunLock } from "./lock.js";
import { listPictures, PICTURES, readPicture } from "./pictures.js";

export const METRICS = "metrics.jsonl";
export const TEST = "test.json";
const EVALUATION = "evaluation.json";
const MODEL = "model.safetensors";
const CHECKPOINTS = "checkpoint";
const TENSORBOARD = "tensorboard";
const MAX_CHECKPOINTS = 2;
/** An epoch takes about 500 bytes. */
const MAX_METRICS_BYTES = 1e8;
const MAX_TEST_BYTES = 1e5;
/** A latent dimension takes about 20 bytes. */
const MAX_EVALUATION_BYTES = 1e6;

/** The message if `runs/` holds no run with a model. */
export const NO_MODEL = "There is no trained model in runs/. Train one with vae train, or name the folder of its run.";

export class RunFolder {
  /** Undefined if the run is only opened for reading. */
  readonly #lock: RunLock | undefined;

  private constructor(
    readonly dir: string,
    readonly config: RunConfig,
    lock?: RunLock,
  ) {
    this.#lock = lock;
  }

  /**
   * Creates the folder of a new run atomically, and locks it. `start`: the checkpoint of step 0.
   *
   * @throws UserError if the folder exists
   */
  static async create(config: RunConfig, start: TensorFile, dir?: string): Promise<RunFolder> {
    const place = dir ?? path.join(RUNS, defaultName(config));
    const lock = await createLocked(place, async (temporary) => {
      await mkdir(path.join(temporary, PICTURES));
      await mkdir(path.join(temporary, CHECKPOINTS));
      await writeRunConfig(temporary, config);
      await writeCheckpoint(temporary, 0, withRun(start, config));
    });
    return new RunFolder(place, config, lock);
  }

  /**
   * Locks a run to resume its training. `dir`: by default the newest run with a checkpoint.
   *
   * @throws UserError if there is no such run, or it is in use
   */
  static async resume(dir?: string): Promise<RunFolder> {
    const place = dir ?? (await findResumable());
    await readRunConfig(place); // before locking: creates no lock in a folder that is not a run
    const lock = await lockRun(place);
    try {
      const hasEvents = statIfThere(path.join(place, TENSORBOARD)) !== undefined;
      const present = [CHECKPOINTS, PICTURES, ...(hasEvents ? [TENSORBOARD] : [])];
      const folders = present.map((name) => path.join(place, name));
      for (const folder of folders) await makeSubfolder(folder);
      // Deletes the temporary files of a crash.
      for (const folder of [place, ...folders]) {
        const names = folder === place ? await listNames(place) : await readdir(folder, { recursive: true });
        for (const name of names) {
          if (TEMPORARY.test(name)) await rm(path.join(folder, name), { recursive: true, force: true });
        }
      }
      return new RunFolder(place, await readRunConfig(place), lock);
    } catch (error) {
      await lock.release(place);
      throw error;
    }
  }

  /** Opens a run for reading. `dir`: by default the newest run with a model. @throws UserError if there is none */
  static async open(dir?: string): Promise<RunFolder> {
    const place = dir ?? (await findNewest((run) => statIfThere(path.join(run, MODEL)) !== undefined, NO_MODEL));
    return new RunFolder(place, await readRunConfig(place));
  }

  /** Locks the run while `use` writes into it. @throws UserError if a process trains it */
  async withLock<Result>(use: (run: RunFolder) => Promise<Result>): Promise<Result> {
    const lock = await lockRun(this.dir);
    try {
      return await use(new RunFolder(this.dir, this.config, lock));
    } finally {
      await lock.release(this.dir);
    }
  }

  /** Rewrites config.json with other settings. */
  async withSettings(settings: Config): Promise<RunFolder> {
    const config = { ...this.config, settings };
    await writeRunConfig(this.dir, config);
    return new RunFolder(this.dir, config, this.#lock);
  }

  async close(): Promise<void> {
    await this.#lock?.release(this.dir);
  }

  /** Whether a process is training the run. */
  async isInUse(): Promise<boolean> {
    return (await lockState(this.dir)) === "held";
  }

  /** See `listPictures` in pictures.ts. */
  listPictures(kind?: string): Promise<string[]> {
    return listPictures(this.dir, kind);
  }

  /** See `readPicture` in pictures.ts. */
  readPicture(name: string): Promise<Uint8Array | undefined> {
    return readPicture(this.dir, name);
  }

  /** Writes metrics.jsonl, one line per epoch. */
  writeMetrics(epochs: readonly object[]): Promise<void> {
    return this.#write(METRICS, epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(""));
  }

  /** Parses metrics.jsonl. Empty before the first epoch ends. @throws UserError if a line is not JSON */
  async readMetrics(): Promise<unknown[]> {
    const file = path.join(this.dir, METRICS);
    const text = (await ifPresent(readText(file, MAX_METRICS_BYTES, "the metrics of a training"))) ?? "";
    const lines = text.split("\n").filter((line) => line !== "");
    try {
      return lines.map((line) => JSON.parse(line));
    } catch {
      throw new UserError(`${file} is not valid JSON lines.`);
    }
  }

  /** Writes test.json: the test bounds of the best weights, and their epoch. */
  writeTest(result: object): Promise<void> {
    return this.#write(TEST, `${JSON.stringify(result)}\n`);
  }

  /** Parses test.json. Undefined if training has not ended. @throws UserError if it is not JSON */
  readTest(): Promise<unknown> {
    return this.#readJson(TEST, MAX_TEST_BYTES, "the test of a model");
  }

  /** Writes evaluation.json: the last evaluation of the test images, and the epoch of the weights. */
  writeEvaluation(result: { readonly epoch: number; readonly evaluation: object }): Promise<void> {
    return this.#write(EVALUATION, `${JSON.stringify(result)}\n`);
  }

  /** Parses evaluation.json. Undefined if the model was not evaluated. @throws UserError if it is not JSON */
  readEvaluation(): Promise<unknown> {
    return this.#readJson(EVALUATION, MAX_EVALUATION_BYTES, "the evaluation of a model");
  }

  async #readJson(name: string, maxBytes: number, what: string): Promise<unknown> {
    const file = path.join(this.dir, name);
    const text = await ifPresent(readText(file, maxBytes, what));
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      throw new UserError(`${file} is not valid JSON.`);
    }
  }

  writeModel(params: HostParams, metadata: Record<string, string>): Promise<void> {
    const content = { tensors: new Map(Object.entries(params)), metadata };
    return this.#write(MODEL, encodeSafetensors(withRun(content, this.config)));
  }

  /** Deletes a model newer than the checkpoint being resumed. */
  async deleteModel(): Promise<void> {
    await this.#lock?.check(this.dir);
    await rm(path.join(this.dir, MODEL), { force: true });
  }

  /** Reads model.safetensors. @throws UserError if it is missing or damaged, or its shapes do not match the specs */
  async readModel({ params: specs }: Specs): Promise<{ params: HostParams; metadata: TensorFile["metadata"] }> {
    const file = path.join(this.dir, MODEL);
    const bytes = await ifPresent(readBytes(file));
    if (!bytes) throw new UserError(`${this.dir} has no ${MODEL} yet: no epoch has finished.`);
    const { tensors, metadata } = decodeTensors(bytes, file);
    if (metadata.run !== undefined) checkRun(metadata, this.config, file); // files of other programs have no id
    const params: Record<string, HostArray<Float32Array>> = {};
    for (const [name, { shape }] of Object.entries(specs)) {
      const tensor = tensors.get(name);
      if (!tensor || tensor.shape.join() !== shape.join()) {
        const found = tensor ? `is [${printable(String(tensor.shape))}]` : "is missing";
        throw new UserError(`${file} does not match its ${CONFIG}: ${name} ${found}, but must be [${shape}].`);
      }
      if (!tensor.data.every(Number.isFinite))
        throw new UserError(`${file} is damaged: ${name} holds NaN or infinity.`);
      params[name] = tensor;
    }
    return { params, metadata };
  }

  /** Writes the checkpoint after `step` steps, and deletes old ones. */
  async writeCheckpoint(step: number, content: TensorFile): Promise<void> {
    await this.#lock?.check(this.dir);
    await makeSubfolder(path.join(this.dir, CHECKPOINTS));
    await writeCheckpoint(this.dir, step, withRun(content, this.config));
  }

  /**
   * Reads the last checkpoint.
   *
   * @throws UserError if there is none, or it is damaged or of another run. Names the previous one, if that is valid
   */
  async readCheckpoint(): Promise<{ file: string; content: TensorFile }> {
    const [last, before] = await listCheckpoints(this.dir);
    if (!last) throw new UserError(`${this.dir} has no checkpoint to resume from. Train anew: vae train.`);
    try {
      return { file: last, content: await readCheckpoint(last, this.config) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const other = before && (await readCheckpoint(before, this.config).catch(() => undefined));
      const remedy = other
        ? `The previous checkpoint is valid: delete ${last} to resume from ${before}.`
        : "There is no other checkpoint to resume from.";
      throw new UserError(`${error.message} ${remedy}`);
    }
  }

  /**
   * @param name of a file in pictures/, or in a folder there
   * @returns the picture's file
   */
  async writePicture(name: string, content: Uint8Array | string): Promise<string> {
    const file = path.join(PICTURES, name);
    for (const folder of new Set([PICTURES, path.dirname(file)])) await makeSubfolder(path.join(this.dir, folder));
    await this.#write(file, content);
    return path.join(this.dir, file);
  }

  /** Whether a folder is that of the files for TensorBoard, which may be missing. */
  isEventFolder(dir: string): boolean {
    const place = path.resolve(dir);
    const isInRun = path.basename(place) === TENSORBOARD && isSamePlace(path.dirname(place), this.dir);
    return isInRun || isSamePlace(place, path.join(this.dir, TENSORBOARD));
  }

  /** The files for TensorBoard. */
  get events(): EventFolder {
    const dir = path.join(this.dir, TENSORBOARD);
    return new EventFolder(dir, async () => {
      await this.#lock?.check(this.dir);
      await makeSubfolder(dir);
    });
  }

  /** @throws UserError if the lock is gone: another process may be training the run */
  async #write(name: string, content: string | Uint8Array): Promise<void> {
    await this.#lock?.check(this.dir);
    await writeFileAtomically(path.join(this.dir, name), content);
  }
}

/** A text that changes whenever the weights do. @returns undefined if the run has none yet */
export function modelVersion(dir: string): string | undefined {
  const model = versionOf(path.join(dir, MODEL));
  return model && `${model} ${versionOf(path.join(dir, CONFIG))}`;
}

/** More than the header of a model has. */
const MAX_HEADER_BYTES = 1e7;

/** The epoch of the weights. @returns undefined if the run has none yet, or another program wrote them */
export async function modelEpoch(dir: string): Promise<number | undefined> {
  const file = path.join(dir, MODEL);
  const start = await ifPresent(readStart(file, MAX_HEADER_BYTES));
  const epoch = start && Number(decodeMetadata(start, file).epoch);
  return Number.isSafeInteger(epoch) ? epoch : undefined;
}

/** A text that changes whenever an epoch ends, a picture is written, or the training starts or ends. */
export async function progressVersion(dir: string): Promise<string> {
  const folders = (await listEntries(path.join(dir, PICTURES))).filter((entry) => entry.isDirectory());
  const pictures = [PICTURES, ...folders.map(({ name }) => path.join(PICTURES, name))];
  const versions = [METRICS, CONFIG, ...pictures].map((name) => versionOf(path.join(dir, name)));
  return [await lockState(dir), ...versions].join(" ");
}

/** A text that changes whenever a file is replaced, or the entries of a folder change. */
function versionOf(place: string): string | undefined {
  const found = statIfThere(place);
  return found && `${found.ino}-${found.mtimeMs}-${found.size}`;
}

/** Finds the newest run in `runs/` that has a checkpoint. @throws UserError if there is none */
async function findResumable(): Promise<string> {
  const none = "There is no run in runs/ to resume. Name the folder of one.";
  return findNewest(async (run) => (await listCheckpoints(run)).length > 0, none);
}

/** Finds the newest run that can be resumed, or its group if it is in one. @throws UserError if there is none */
export async function findGroupOrRun(): Promise<string> {
  const run = await findResumable();
  const parent = path.dirname(run);
  return isGroup(parent) ? parent : run;
}

/** @throws UserError if a run was trained with the user's own parts and none are given, or the other way round */
export function checkOwnParts(
  { dir, config }: Pick<RunFolder, "dir" | "config">,
  parts: unknown,
  caller: string,
): void {
  if (config.parts === "own" && !parts) {
    throw new UserError(`${dir} was trained with the user's own parts: give them to the library's ${caller}.`);
  }
  if (config.parts !== "own" && parts) {
    throw new UserError(`${dir} was trained with the parts that its settings choose: leave out \`parts\`.`);
  }
}

/** Writes the checkpoint after `step` steps, and deletes old ones. */
async function writeCheckpoint(run: string, step: number, content: TensorFile): Promise<void> {
  const file = path.join(run, CHECKPOINTS, `step-${String(step).padStart(9, "0")}.safetensors`);
  await writeFileAtomically(file, encodeSafetensors(content));
  const others = (await listCheckpoints(run)).filter((other) => other !== file);
  for (const old of others.slice(MAX_CHECKPOINTS - 1)) await rm(old, { force: true });
}

async function readCheckpoint(file: string, config: RunConfig): Promise<TensorFile> {
  const content = decodeTensors(await readBytes(file), file);
  if (content.metadata.sha256 === undefined) throw new UserError(`${file} has no checksum, so it was damaged.`);
  checkRun(content.metadata, config, file);
  return content;
}

/** Adds the run's id to the metadata. Runs of older versions have none. */
function withRun({ tensors, metadata }: TensorFile, { id }: RunConfig): TensorFile {
  return { tensors, metadata: { ...metadata, ...(id !== undefined && { run: id }) } };
}

/** @throws UserError if the file is of another run. Runs of older versions have no id, and accept any file */
function checkRun({ run }: TensorFile["metadata"], { id }: RunConfig, file: string): void {
  if (id === undefined || run === id) return;
  throw new UserError(`${file} is of another run than the ${CONFIG} in its folder. Restore the files of one run.`);
}

/** Parses safetensors. @throws UserError that names the format if the file has another one */
function decodeTensors(bytes: Uint8Array, file: string): TensorFile {
  const { name = SAFETENSORS, remedy = "", weights = remedy } = recognize(bytes) ?? {};
  if (name !== SAFETENSORS) throw new UserError(`${file} is ${name}, not safetensors. ${weights}`.trimEnd());
  return decodeSafetensors(bytes, file);
}

/** Lists the checkpoints of a run, the latest first. @throws UserError if their folder is a file */
async function listCheckpoints(run: string): Promise<string[]> {
  const folder = path.join(run, CHECKPOINTS);
  if (statIfThere(folder)?.isFile()) throw new UserError(`${folder} is a file, not a folder.`);
  return (await listNames(folder))
    .filter((name) => /^step-\d{9,}\.safetensors$/.test(name))
    .sort((a, b) => b.length - a.length || (a < b ? 1 : -1))
    .map((name) => path.join(folder, name));
}
