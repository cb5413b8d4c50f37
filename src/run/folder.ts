// The folder of a run: config.json, metrics.jsonl, model.safetensors, checkpoint/ and pictures/.
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config.js";
import { createConfig } from "../config.js";
import { UserError } from "../errors.js";
import type { HostParams } from "../model/parameters.js";
import { parameterShapes } from "../model/parameters.js";
import type { HostArray } from "../tree.js";
import type { TensorFile } from "./safetensors.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import { writeFileAtomically } from "./write-file.js";

const RUNS = "runs";
const CONFIG = "config.json";
const MODEL = "model.safetensors";

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
    readonly train: number;
    readonly validation: number;
    readonly test: number;
  };
}

export class RunFolder {
  readonly #metrics: string[] = [];

  private constructor(
    readonly dir: string,
    readonly config: RunConfig,
  ) {}

  /**
   * Makes the folder of a new run.
   *
   * @param dir where; without it, `runs/<dataset>-z<dim>-<date>-<time>`
   * @throws UserError if it is there already
   */
  static async create(config: RunConfig, dir?: string): Promise<RunFolder> {
    const place = dir ?? path.join(RUNS, defaultName(config));
    await mkdir(path.dirname(path.resolve(place)), { recursive: true });
    try {
      await mkdir(place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new UserError(`${place} exists already. A run wants a new folder (--run), so that nothing is overwritten.`);
    }
    await mkdir(path.join(place, "pictures"));
    await mkdir(path.join(place, "checkpoint"));
    const run = new RunFolder(place, config);
    await run.#write(CONFIG, `${JSON.stringify(config, null, 2)}\n`);
    return run;
  }

  /**
   * Opens a run that has a model.
   *
   * @param dir where; without it, the newest in `runs/`
   * @throws UserError if there is none
   */
  static async open(dir?: string): Promise<RunFolder> {
    if (dir !== undefined) return RunFolder.#read(dir);
    const runs: RunFolder[] = [];
    for (const name of await listNames(RUNS)) {
      const place = path.join(RUNS, name);
      if (!(await listNames(place)).includes(MODEL)) continue;
      try {
        runs.push(await RunFolder.#read(place));
      } catch (error) {
        if (!(error instanceof UserError)) throw error; // a run that cannot be read must not hide the others
      }
    }
    if (runs.length === 0) {
      throw new UserError(
        "There is no trained model in runs/ here. Train one with vae train, or name its folder by --run.",
      );
    }
    return runs.reduce((newest, run) => (run.config.created > newest.config.created ? run : newest));
  }

  static async #read(dir: string): Promise<RunFolder> {
    const file = path.join(dir, CONFIG);
    const bytes = await readOrExplain(file, `${dir} is not the folder of a run: it has no ${CONFIG}.`);
    return new RunFolder(dir, parseRunConfig(new TextDecoder().decode(bytes), file));
  }

  /** Adds a line to metrics.jsonl. */
  async addMetrics(metrics: object): Promise<void> {
    this.#metrics.push(`${JSON.stringify(metrics)}\n`);
    await this.#write("metrics.jsonl", this.#metrics.join(""));
  }

  /** Writes the weights that the run is to be known by. */
  async writeModel(params: HostParams, metadata: Record<string, string>): Promise<void> {
    await this.#write(MODEL, encodeSafetensors({ tensors: new Map(Object.entries(params)), metadata }));
  }

  /** @throws UserError if the weights are not there, broken, or not those of the architecture that config.json describes */
  async readModel(): Promise<HostParams> {
    const file = path.join(this.dir, MODEL);
    const missing = `${this.dir} has no ${MODEL} yet: no epoch of its training was finished.`;
    const { tensors } = decodeSafetensors(await readOrExplain(file, missing), file);
    const { settings, data } = this.config;
    const shapes = parameterShapes({ pixels: data.height * data.width, ...settings });
    const params: Record<string, HostArray<Float32Array>> = {};
    for (const [name, shape] of Object.entries(shapes)) {
      const tensor = tensors.get(name);
      if (!tensor || tensor.shape.join() !== shape.join()) {
        const found = tensor ? `is [${tensor.shape}]` : "is missing";
        throw new UserError(`${file} does not belong to its ${CONFIG}: ${name} ${found}, where [${shape}] is needed.`);
      }
      params[name] = tensor;
    }
    return params;
  }

  /** Writes all that the training needs to go on. */
  async writeCheckpoint(file: TensorFile): Promise<void> {
    await this.#write(path.join("checkpoint", "state.safetensors"), encodeSafetensors(file));
  }

  /** @returns where the picture is */
  async writePicture(name: string, content: Uint8Array | string): Promise<string> {
    await this.#write(path.join("pictures", name), content);
    return path.join(this.dir, "pictures", name);
  }

  async #write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFileAtomically(path.join(this.dir, name), content);
  }
}

function defaultName({ created, data, settings }: RunConfig): string {
  const time = new Date(created);
  const two = (number: number) => String(number).padStart(2, "0");
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join("");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join("");
  return `${data.name}-z${settings.dimZ}-${date}-${clock}`;
}

function parseRunConfig(text: string, file: string): RunConfig {
  let config: RunConfig;
  try {
    config = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON.`);
  }
  const { created, settings, data } = config ?? {};
  const sizes = [data?.height, data?.width];
  if (typeof created !== "string" || !settings || !sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new UserError(
      `${file} is not the configuration of a run: created, settings, data.height or data.width is missing or makes no sense.`,
    );
  }
  try {
    return { ...config, settings: createConfig({ ...settings }) };
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
}

async function listNames(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

async function readOrExplain(file: string, explanation: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UserError(explanation);
    throw error;
  }
}
