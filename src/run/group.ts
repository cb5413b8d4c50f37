// The folder of a group of runs (a sweep, or several seeds): a folder for each run, and their settings in group.json.
import path from "node:path";
import { type Config, createConfig, encodeConfig } from "../config/config.js";
import { UserError } from "../errors.js";
import { ifPresent, readText, statIfThere } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import { isRecord } from "../values/checker.js";
import { VERSION } from "../version.js";
import { createLocked } from "./create.js";
import { lockRun, type RunLock } from "./lock.js";

export const GROUP = "group.json";
/** A run takes about 1,500 bytes. */
const MAX_BYTES = 1e8;

/** A run of a group, which may not have begun. */
export interface PlannedRun {
  /** The name of its folder in the group's. */
  readonly name: string;
  readonly config: Config;
  /** The error of its training, if it diverged with these settings. */
  readonly diverged?: string | undefined;
}

export class RunGroup {
  readonly #lock: RunLock;

  private constructor(
    readonly dir: string,
    readonly runs: readonly PlannedRun[],
    lock: RunLock,
  ) {
    this.#lock = lock;
  }

  /** Creates the folder of a group atomically, and locks it. @throws UserError if it exists */
  static async create(dir: string, runs: readonly PlannedRun[]): Promise<RunGroup> {
    return new RunGroup(dir, runs, await createLocked(dir, (temporary) => writePlan(temporary, runs)));
  }

  /** Locks a group to resume its training. @throws UserError if the folder is not a group, or it is in use */
  static async open(dir: string): Promise<RunGroup> {
    await readPlan(dir); // before locking: creates no lock in a folder that is not a group
    const lock = await lockRun(dir);
    try {
      return new RunGroup(dir, await readPlan(dir), lock);
    } catch (error) {
      await lock.release(dir);
      throw error;
    }
  }

  /** Rewrites group.json: with other settings, or with runs that diverged. */
  async withRuns(runs: readonly PlannedRun[]): Promise<RunGroup> {
    await writePlan(this.dir, runs);
    return new RunGroup(this.dir, runs, this.#lock);
  }

  async close(): Promise<void> {
    await this.#lock.release(this.dir);
  }
}

export function isGroup(dir: string): boolean {
  return statIfThere(path.join(dir, GROUP)) !== undefined;
}

async function writePlan(dir: string, runs: readonly PlannedRun[]): Promise<void> {
  const plan = {
    version: VERSION,
    runs: runs.map(({ config, ...run }) => ({ ...run, settings: encodeConfig(config) })),
  };
  await writeFileAtomically(path.join(dir, GROUP), `${JSON.stringify(plan, null, 2)}\n`);
}

/** Reads the runs of a group. @throws UserError if group.json is missing or not valid */
export async function readPlan(dir: string): Promise<PlannedRun[]> {
  const file = path.join(dir, GROUP);
  const text = await ifPresent(readText(file, MAX_BYTES, "the plan of a group of runs"));
  if (text === undefined) throw new UserError(`${dir} is not a group of runs: it has no ${GROUP}.`);
  try {
    const { runs } = JSON.parse(text);
    if (Array.isArray(runs) && runs.length > 0 && runs.every(isPlanned)) {
      return runs.map(({ name, settings, diverged }) => ({ name, config: createConfig(settings), diverged }));
    }
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
  }
  throw new UserError(`${file} is not the plan of a group of runs.`);
}

/** Whether a run in group.json has settings, and a name that cannot leave the group's folder. */
function isPlanned(value: unknown): value is { name: string; settings: object; diverged?: string } {
  if (!isRecord(value) || typeof value.name !== "string" || !isRecord(value.settings)) return false;
  if (!["string", "undefined"].includes(typeof value.diverged)) return false;
  return /^[^\0/\\]+$/.test(value.name) && !/^\.+$/.test(value.name);
}
