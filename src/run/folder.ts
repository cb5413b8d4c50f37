// The folder of a run: config.json, metrics.jsonl, model.safetensors, checkpoint/ and pictures/.
import { mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.js";
import { createConfig, encodeConfig } from "../config/config.js";
import { pixelsOf } from "../data/pixels.js";
import { isSystemError, UserError } from "../errors.js";
import { isMissing } from "../files/errors.js";
import { readBytes, readText } from "../files/read.js";
import { isFolder, listNames, statIfThere } from "../files/stat.js";
import { makeFolder, syncFolder, TEMPORARY, withTemporary, writeFileAtomically } from "../files/write.js";
import type { TensorFile } from "../formats/safetensors.js";
import { decodeSafetensors, encodeSafetensors } from "../formats/safetensors.js";
import type { HostParams } from "../model/parameters.js";
import { parameterShapes } from "../model/parameters.js";
import type { HostArray } from "../tree.js";
import { hasCheckpoint, readCheckpoint, writeCheckpoint } from "./checkpoints.js";
import { isAbandoned, isLocked, lockRun } from "./lock.js";

const RUNS = "runs";
const CONFIG = "config.json";
const MODEL = "model.safetensors";
const METRICS = "metrics.jsonl";
const CHECKPOINTS = "checkpoint";
const PICTURES = "pictures";
/** Of config.json, which has some 2 kB; and of metrics.jsonl, which has some 500 for each epoch. */
const MAX_BYTES = { config: 1e6, metrics: 1e8 };

/** What config.json holds: all that rebuilds the model, beside its weights. */
export interface RunConfig {
  /** Of vae. */
  readonly version: string;
  /** ISO 8601. */
  readonly created: string;
  /** With the engine and the number of threads that were used. */
  readonly settings: Config;
  readonly data: {
    readonly name: string;
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
    /** Of the images: those of training, validation and test, one after the other. */
    readonly sha256: string;
  };
}

/** A run that is there, and why it cannot be read. */
export interface UnreadableRun {
  readonly run: string;
  readonly problem: string;
}

export class RunFolder {
  readonly #unlock: (dir: string) => Promise<void>;

  private constructor(
    readonly dir: string,
    readonly config: RunConfig,
    unlock: (dir: string) => Promise<void> = async () => {},
  ) {
    this.#unlock = unlock;
  }

  /**
   * Makes the folder of a new run, for this process to train. It appears with all that it needs to be resumed, or not at all.
   *
   * @param start the checkpoint of step 0
   * @param dir where; without it, `runs/<dataset>-z<dim>-<date>-<time>`
   * @throws UserError if it is there already
   */
  static async create(config: RunConfig, start: TensorFile, dir?: string): Promise<RunFolder> {
    const place = dir ?? path.join(RUNS, defaultName(config));
    const parent = path.dirname(path.resolve(place));
    await makeFolder(parent);
    const exists = new UserError(
      `${place} exists already. Give a new folder with --run, or resume this run with --resume.`,
    );
    if (statIfThere(place)) throw exists;
    await clearAbandoned(parent);
    const unlock = await withTemporary(path.resolve(place), async (temporary) => {
      await mkdir(temporary);
      await mkdir(path.join(temporary, PICTURES));
      await mkdir(path.join(temporary, CHECKPOINTS));
      const unlock = await lockRun(temporary);
      await writeConfig(temporary, config);
      await writeCheckpoint(path.join(temporary, CHECKPOINTS), 0, start);
      await rename(temporary, path.resolve(place)).catch((error) => {
        throw ["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(error.code) ? exists : error; // another run was faster
      });
      return unlock;
    });
    await syncFolder(parent);
    return new RunFolder(place, config, unlock);
  }

  /**
   * Opens a run for this process to go on with. What a crash left half written is deleted.
   *
   * @param dir where; without it, the newest in `runs/`
   * @throws UserError if there is none, or it is in use
   */
  static async resume(dir?: string): Promise<RunFolder> {
    const none = "There is no run in runs/ here to go on with. Name its folder: --resume DIR.";
    const place = dir ?? (await RunFolder.#newest((run) => hasCheckpoint(path.join(run, CHECKPOINTS)), none)).dir;
    await RunFolder.#read(place); // before a lock is put where no run is
    const unlock = await lockRun(place);
    try {
      for (const folder of ["", CHECKPOINTS, PICTURES].map((name) => path.join(place, name))) {
        await mkdir(folder, { recursive: true });
        for (const name of await listNames(folder)) {
          if (TEMPORARY.test(name)) await rm(path.join(folder, name), { force: true });
        }
      }
      const { config } = await RunFolder.#read(place);
      return new RunFolder(place, config, unlock);
    } catch (error) {
      await unlock(place);
      throw error;
    }
  }

  /**
   * Opens a run that has a model.
   *
   * @param dir where; without it, the newest in `runs/`
   * @throws UserError if there is none
   */
  static async open(dir?: string): Promise<RunFolder> {
    if (dir !== undefined) return RunFolder.#read(dir);
    const none = "There is no trained model in runs/ here. Train one with vae train, or name its folder by --run.";
    return RunFolder.#newest(async (run) => statIfThere(path.join(run, MODEL)) !== undefined, none);
  }

  /**
   * The runs in a folder, in no order.
   *
   * @param dir which; without it, `runs/`, which need not be there
   * @returns those that cannot be read apart, so that they do not hide the others; what is no run at all is passed over
   * @throws UserError if there is no such folder
   */
  static async list(dir?: string): Promise<{ runs: RunFolder[]; unreadable: UnreadableRun[] }> {
    if (dir !== undefined && !isFolder(dir)) throw new UserError(`There is no folder ${dir}.`);
    const runs: RunFolder[] = [];
    const unreadable: UnreadableRun[] = [];
    for (const name of await listNames(dir ?? RUNS)) {
      const place = path.join(dir ?? RUNS, name);
      try {
        if (TEMPORARY.test(name) || !statIfThere(path.join(place, CONFIG))) continue;
        runs.push(await RunFolder.#read(place));
      } catch (error) {
        if (!(error instanceof UserError) && !isSystemError(error)) throw error;
        unreadable.push({ run: place, problem: error.message });
      }
    }
    return { runs, unreadable };
  }

  /**
   * The newest run in `runs/` of those that are meant.
   *
   * @throws UserError if there is none, or one that cannot be read may be newer: it is not passed over in silence
   */
  static async #newest(isMeant: (dir: string) => Promise<boolean>, none: string): Promise<RunFolder> {
    let newest: RunFolder | undefined;
    const { runs, unreadable } = await RunFolder.list();
    for (const run of runs) {
      const isNewer = !newest || run.config.created > newest.config.created;
      if (isNewer && (await isMeant(run.dir))) newest = run;
    }
    for (const { run, problem } of unreadable) {
      const changed = await stat(path.join(run, CONFIG)).catch(() => undefined);
      if (newest && changed && changed.mtime < new Date(newest.config.created)) continue;
      throw new UserError(
        `${run} may be the newest run, but it cannot be read (${problem.replace(/\.$/, "")}): name the one that you mean.`,
      );
    }
    if (!newest) throw new UserError(none);
    return newest;
  }

  static async #read(dir: string): Promise<RunFolder> {
    const file = path.join(dir, CONFIG);
    const reading = readText(file, MAX_BYTES.config, "the configuration of a run");
    const text = await orExplain(reading, `${dir} is not the folder of a run: it has no ${CONFIG}.`);
    return new RunFolder(dir, parseRunConfig(text, file));
  }

  /** The same run with other settings: config.json is written anew. */
  async withSettings(settings: Config): Promise<RunFolder> {
    const config = { ...this.config, settings };
    await writeConfig(this.dir, config);
    return new RunFolder(this.dir, config, this.#unlock);
  }

  /** Gives the run back to other processes. */
  async close(): Promise<void> {
    await this.#unlock(this.dir);
  }

  /** Writes metrics.jsonl: a line for each epoch. */
  async writeMetrics(epochs: readonly object[]): Promise<void> {
    await this.#write(METRICS, epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(""));
  }

  /** The lines of metrics.jsonl; none where it is not there yet. @throws UserError if one is no JSON */
  async readMetrics(): Promise<unknown[]> {
    const file = path.join(this.dir, METRICS);
    if (!statIfThere(file)) return [];
    const text = await readText(file, MAX_BYTES.metrics, "the metrics of a training");
    const lines = text.split("\n").filter((line) => line !== "");
    try {
      return lines.map((line) => JSON.parse(line));
    } catch {
      throw new UserError(`${file} is not one of JSON lines.`);
    }
  }

  /** Whether a process trains it now. */
  async isInUse(): Promise<boolean> {
    return isLocked(this.dir);
  }

  /** Writes the weights that the run is to be known by. */
  async writeModel(params: HostParams, metadata: Record<string, string>): Promise<void> {
    await this.#write(MODEL, encodeSafetensors({ tensors: new Map(Object.entries(params)), metadata }));
  }

  /** Takes back what was written after the checkpoint that the run goes on from, in which there was no model. */
  async deleteModel(): Promise<void> {
    await rm(path.join(this.dir, MODEL), { force: true });
  }

  /**
   * @returns the weights, and what was said of them when they were written
   * @throws UserError if the weights are not there, broken, or not those of the architecture that config.json describes
   */
  async readModel(): Promise<{ params: HostParams; metadata: TensorFile["metadata"] }> {
    const file = path.join(this.dir, MODEL);
    const missing = `${this.dir} has no ${MODEL} yet: no epoch of its training was finished.`;
    const { tensors, metadata } = decodeSafetensors(await orExplain(readBytes(file), missing), file);
    const { settings, data } = this.config;
    const shapes = parameterShapes({ pixels: pixelsOf(data), ...settings });
    const params: Record<string, HostArray<Float32Array>> = {};
    for (const [name, shape] of Object.entries(shapes)) {
      const tensor = tensors.get(name);
      if (!tensor || tensor.shape.join() !== shape.join()) {
        const found = tensor ? `is [${tensor.shape}]` : "is missing";
        throw new UserError(`${file} does not belong to its ${CONFIG}: ${name} ${found}, where [${shape}] is needed.`);
      }
      if (!tensor.data.every(Number.isFinite)) throw new UserError(`${file} is broken: ${name} holds NaN or infinity.`);
      params[name] = tensor;
    }
    return { params, metadata };
  }

  /** Writes all that the training needs to go on after `step` steps. */
  async writeCheckpoint(step: number, content: TensorFile): Promise<void> {
    await writeCheckpoint(path.join(this.dir, CHECKPOINTS), step, content);
  }

  /** @throws UserError if there is none, or it is damaged */
  async readCheckpoint(): Promise<{ file: string; content: TensorFile }> {
    const checkpoint = await readCheckpoint(path.join(this.dir, CHECKPOINTS));
    if (!checkpoint) throw new UserError(`${this.dir} has no checkpoint to go on from. Train anew: vae train.`);
    return checkpoint;
  }

  /** @returns where the picture is */
  async writePicture(name: string, content: Uint8Array | string): Promise<string> {
    const file = path.join(PICTURES, name);
    await this.#write(file, content);
    return path.join(this.dir, file);
  }

  async #write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFileAtomically(path.join(this.dir, name), content);
  }
}

async function writeConfig(dir: string, config: RunConfig): Promise<void> {
  const content = { ...config, settings: encodeConfig(config.settings) };
  await writeFileAtomically(path.join(dir, CONFIG), `${JSON.stringify(content, null, 2)}\n`);
}

function defaultName({ created, data, settings }: RunConfig): string {
  const time = new Date(created);
  const two = (number: number) => String(number).padStart(2, "0");
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join("");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join("");
  return `${data.name}-z${settings.dimZ}-${date}-${clock}`;
}

/** @throws UserError if the text is not what config.json holds */
export function parseRunConfig(text: string, file: string): RunConfig {
  let config: RunConfig;
  try {
    config = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON.`);
  }
  const { version, created, settings, data } = config ?? {};
  const texts = [version, created, data?.name];
  const sizes = [data?.height, data?.width, data?.channels, data?.train, data?.validation, data?.test];
  if (
    !texts.every((text) => typeof text === "string") ||
    !sizes.every((size) => Number.isSafeInteger(size) && size > 0) ||
    !Number.isSafeInteger(pixelsOf(data)) ||
    !settings
  ) {
    throw new UserError(
      `${file} is not the configuration of a run: version, created, settings or data is missing, or makes no sense.`,
    );
  }
  try {
    return { ...config, settings: createConfig({ ...settings }) };
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
}

/** Deletes what is left of runs that were killed before their folders had their names. */
async function clearAbandoned(parent: string): Promise<void> {
  for (const name of await listNames(parent).catch(() => [])) {
    const folder = path.join(parent, name);
    if (!TEMPORARY.test(name) || !(await isAbandoned(folder).catch(() => false))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** @throws UserError with the explanation if the file is not there */
async function orExplain<T>(reading: Promise<T>, explanation: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw isMissing(error) ? new UserError(explanation) : error;
  }
}
