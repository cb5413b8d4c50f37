// Plans the runs of a group: every combination of the values of a sweep, each with several seeds.
import { type Config, encodeConfig, type GivenSettings } from "../config/config.js";
import type { Setting } from "../config/entries.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { type Dataset, loadDataset } from "../data/dataset.js";
import { DATA_SETTINGS } from "../data/settings.js";
import { UserError } from "../errors.js";
import { TEMPORARY } from "../files/write.js";
import { timestamp } from "../run/config.js";
import type { PlannedRun } from "../run/group.js";
import { checkValue } from "../values/checker.js";
import { printable } from "../wording.js";
import { checkTraining, configOf, resolvePaths, type TrainingOptions, type TrainOptions } from "./train.js";

/** Values of settings to combine. */
export type Sweep = { readonly [name in SettingName]?: readonly unknown[] };

type PlanOptions = Omit<TrainOptions, "run" | "parts">;

const MAX_RUNS = 1000;
/** Of a run's folder name. File systems allow about 255 bytes. */
const MAX_NAME_LENGTH = 80;

/**
 * Plans the runs of all combinations. Runs of a combination with different seeds are adjacent.
 *
 * @param repeat the number of seeds, starting at the settings' seed; undefined: that seed only
 * @throws UserError if a combination is invalid, has a setting without effect, or does not fit its data, or there are
 * too many runs
 */
export async function planRuns(
  settings: GivenSettings,
  options: PlanOptions,
  sweep: Sweep,
  repeat: number | undefined,
): Promise<PlannedRun[]> {
  const axes = Object.entries(sweep);
  const count = axes.reduce((product, [, values]) => product * values.length, repeat ?? 1);
  if (count > MAX_RUNS) {
    throw new UserError(
      `These are ${count.toLocaleString("en")} runs, but a group has at most ${MAX_RUNS.toLocaleString("en")}. ` +
        "Give fewer values or repeats.",
    );
  }
  let combinations: GivenSettings[] = [{}];
  for (const [name, values] of axes) {
    combinations = combinations.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  const planned: PlannedRun[] = [];
  const load = cachingLoader();
  for (const chosen of combinations) {
    const config = await completeSettings(settings, chosen, { ...options, load });
    for (let i = 0; i < (repeat ?? 1); i++) {
      const seed = checkValue("The setting seed", SETTINGS.seed, config.seed + i);
      const named = Object.entries({ ...chosen, ...(repeat !== undefined && { seed }) });
      planned.push({ name: named.map(formatSetting).map(toFileName).join("_"), config: { ...config, seed } });
    }
  }
  return distinguish(planned);
}

/** `loadDataset` with a cache of the last data set. */
function cachingLoader(): typeof loadDataset {
  let last: { readonly key: string; readonly data: Promise<Dataset> } | undefined;
  return (dataset, options = {}) => {
    const values = Object.entries(options).filter(([name]) => name in DATA_SETTINGS);
    const key = JSON.stringify([dataset, values]);
    if (last?.key !== key) last = { key, data: loadDataset(dataset, options) };
    return last.data;
  };
}

/** Completes a combination's settings, with absolute paths. @throws UserError with the combination as prefix */
async function completeSettings(
  settings: GivenSettings,
  chosen: GivenSettings,
  options: Parameters<typeof configOf>[1],
): Promise<Config> {
  try {
    const config = await configOf({ ...settings, ...chosen }, options);
    return { ...config, ...resolvePaths(config) };
  } catch (error) {
    const values = Object.entries(chosen).map(formatSetting);
    if (!(error instanceof UserError) || values.length === 0) throw error;
    throw new UserError(`${values.map(printable).join(" ")}: ${error.message}`);
  }
}

/** name=value */
function formatSetting([name, value]: [string, unknown]): string {
  const setting: Setting<unknown> = SETTINGS[name as SettingName];
  return `${name}=${setting.encode(value)}`;
}

/** Replaces characters that are special in file names. */
function toFileName(text: string): string {
  return text.replace(/[^\w.,+=-]|\.$/g, "-");
}

/** Replaces names by numbers if they are too long, look temporary, or collide on case-insensitive file systems. */
function distinguish(planned: readonly PlannedRun[]): PlannedRun[] {
  const seen = new Set<string>();
  return planned.map(({ name, config }, i) => {
    const key = name.toLowerCase();
    const isUsable = name.length <= MAX_NAME_LENGTH && !TEMPORARY.test(name) && !seen.has(key);
    seen.add(key);
    return { name: isUsable ? name : `run-${i + 1}`, config };
  });
}

/**
 * Checks that all planned trainings can start.
 *
 * @returns a name for the group's folder: `<dataset>-z<dimensions>-<date>-<time>`; omits dataset or dimensions if they
 * differ between runs
 * @throws UserError if a run, which it names, cannot start
 */
export async function checkPlan(planned: readonly PlannedRun[], options: TrainingOptions): Promise<string> {
  const checked = new Set<string>();
  const datasets = new Set<string>();
  const load = cachingLoader();
  for (const { name, config } of planned) {
    const key = JSON.stringify({ ...encodeConfig(config), seed: 0 });
    if (checked.has(key)) continue;
    checked.add(key);
    try {
      datasets.add(await checkTraining(config, { ...options, load }));
    } catch (error) {
      if (error instanceof UserError && planned.length > 1) throw new UserError(`${name}: ${error.message}`);
      throw error;
    }
  }
  const dimensions = new Set(planned.map(({ config }) => `z${[config.dimZ].flat().join("-")}`));
  const common = [datasets, dimensions].flatMap((names) => (names.size === 1 ? [...names] : []));
  return [...common, timestamp(new Date())].join("-");
}
