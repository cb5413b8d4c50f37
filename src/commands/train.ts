// vae train
import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Config, GivenSettings } from "../config.js";
import { checkNeeds, createConfig, isSettingName, parseSetting } from "../config.js";
import { UserError } from "../errors.js";
import type { PresetName } from "../presets.js";
import { PRESETS } from "../presets.js";
import type { SettingName } from "../settings.js";
import { SETTINGS } from "../settings.js";
import { example, flagOf, placeOption, runOption, settingOption } from "./flags.js";

type TrainFlags = Partial<Config> & {
  preset?: string;
  set?: GivenSettings;
  run?: string;
  json?: true;
  quiet?: true;
};

export function trainCommand(): Command {
  const command = new Command("train").description(
    "train a variational autoencoder, and draw what it makes after every epoch",
  );
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    if ("flag" in SETTINGS[name]) command.addOption(settingOption(name));
  }
  const presets = Object.keys(PRESETS).join(", ");
  return command
    .addOption(placeOption("--preset <name|file>", `settings to begin with: ${presets}, or a JSON file of settings`))
    .addOption(
      new Option("--set <name=value>", "any setting of docs/settings.md; may be repeated").argParser(collectSettings),
    )
    .addOption(runOption("folder to make for the run (default: runs/<dataset>-z<dim>-<date>-<time>)"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addOption(new Option("--quiet", "print the result alone"))
    .addHelpText(
      "after",
      example(
        "vae train --epochs 20 --dim-z 2",
        "vae train --dim-z 20 --noise --run runs/denoiser",
        "vae train --preset iwae --epochs 13 --set klWarmUp=2",
      ),
    )
    .action(run);
}

async function run({ preset, set, run: folder, json, quiet, ...flags }: TrainFlags): Promise<void> {
  const twice = Object.keys(set ?? {}).find((name) => name in flags);
  if (twice) throw new UserError(`${twice} is given twice, by --set and by ${flagOf(twice as SettingName)}.`);
  const settings = { ...(preset !== undefined && (await readPreset(preset))), ...set, ...flags };
  const config = createConfig(settings);
  checkNeeds(Object.keys({ ...set, ...flags }), config);
  const [{ train }, { describeSummary, TrainingScreen }, { print }] = await Promise.all([
    import("../index.js"),
    import("./training-screen.js"),
    import("./output.js"),
  ]);
  const screen = quiet ? undefined : new TrainingScreen(config);
  const epochs = train(settings, {
    run: folder,
    onStart: (start) => screen?.start(start),
    onProgress: (progress) => screen?.progress(progress),
  });
  try {
    let next = await epochs.next();
    for (; !next.done; next = await epochs.next()) screen?.epoch(next.value);
    print(json ? JSON.stringify(next.value) : describeSummary(next.value, config));
    screen?.end(folder);
  } finally {
    screen?.stop();
  }
}

/**
 * The settings of a preset or of a file, which is an object of settings, or a run's config.json. Of a run, what was the machine's is
 * left out: the engine and the number of threads.
 */
async function readPreset(place: string): Promise<GivenSettings> {
  if (Object.hasOwn(PRESETS, place)) return PRESETS[place as PresetName].settings;
  let text: string;
  try {
    text = await readFile(place, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "ENOTDIR") throw error;
    throw new UserError(
      `--preset ${place}: there is neither a preset nor a file of this name. Presets are ${Object.keys(PRESETS).join(", ")}.`,
    );
  }
  try {
    const content = JSON.parse(text);
    const { engine, threads, ...ofRun } = content?.settings ?? {};
    const settings = content?.settings ? ofRun : content;
    createConfig(settings);
    return settings;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${place}: ${error.message}`);
    throw new UserError(`${place} is not a JSON file of settings.`);
  }
}

function collectSettings(text: string, before: GivenSettings = {}): GivenSettings {
  const [name, ...value] = text.split("=");
  if (value.length === 0) throw new InvalidArgumentError("It must be NAME=VALUE.");
  if (!isSettingName(name)) throw new InvalidArgumentError(`There is no setting "${name}". See docs/settings.md.`);
  if (name in before) throw new InvalidArgumentError(`${name} is given twice.`);
  try {
    return { ...before, [name]: parseSetting(name, value.join("=")) };
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
