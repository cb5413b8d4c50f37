// The folder of a run: config.json, metrics.jsonl, test.json, evaluation.json, model.safetensors, pictures/,
// tensorboard/ if requested, checkpoint/step-<number>.safetensors and, while a process trains it, a lock.
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.js";
import { UserError } from "../errors.js";
import { ifPresent, isSamePlace, listNames, readText, statIfThere } from "../files/read.js";
import { makeSubfolder, TEMPORARY, writeFileAtomically } from "../files/write.js";
import type { TensorFile } from "../formats/safetensors.js";
import type { HostParams } from "../model/initialize.js";
import type { Specs } from "../model/specs.js";
import { CHECKPOINTS, readLastCheckpoint, writeCheckpoint } from "./checkpoints.js";
import { defaultName, type RunConfig, readRunConfig, writeRunConfig } from "./config.js";
import { createLocked } from "./create.js";
import { EventFolder } from "./event-folder.js";
import { findResumable, findTrained, RUNS } from "./find.js";
import { lockRun, lockState, type RunLock } from "./lock.js";
import { encodeModel, MODEL, type ModelFile, readModel } from "./model-file.js";
import { listPictures, PICTURES, readPicture } from "./pictures.js";

export const METRICS = "metrics.jsonl";
export const TEST = "test.json";
const EVALUATION = "evaluation.json";
const TENSORBOARD = "tensorboard";
/** An epoch takes about 500 bytes. */
const MAX_METRICS_BYTES = 1e8;
const MAX_TEST_BYTES = 1e5;
/** A latent dimension takes about 20 bytes. */
const MAX_EVALUATION_BYTES = 1e6;

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
      await writeCheckpoint(temporary, config, 0, start);
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
    const place = dir ?? (await findTrained());
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
    return this.#write(MODEL, encodeModel(this.config, params, metadata));
  }

  /** Deletes a model newer than the checkpoint being resumed. */
  async deleteModel(): Promise<void> {
    await this.#lock?.check(this.dir);
    await rm(path.join(this.dir, MODEL), { force: true });
  }

  /** See `readModel` in model-file.ts. */
  readModel(specs: Specs): Promise<ModelFile> {
    return readModel(this.dir, this.config, specs);
  }

  /** Writes the checkpoint after `step` steps, and deletes old ones. */
  async writeCheckpoint(step: number, content: TensorFile): Promise<void> {
    await this.#lock?.check(this.dir);
    await makeSubfolder(path.join(this.dir, CHECKPOINTS));
    await writeCheckpoint(this.dir, this.config, step, content);
  }

  /** See `readLastCheckpoint` in checkpoints.ts. */
  readCheckpoint(): Promise<{ file: string; content: TensorFile }> {
    return readLastCheckpoint(this.dir, this.config);
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
