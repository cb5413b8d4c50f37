// The command line that repeats a training.
import { encodeConfig, unmetNeed } from "../config/config.js";
import { describeSetting } from "../config/entries.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { flagOf, quote } from "../shell.js";
import type { RunConfig } from "./config.js";

/** Chosen by the machine, not by the user. */
const MACHINE_SETTINGS: readonly SettingName[] = ["engine", "threads", "device"];

/** The command that trains the same weights again. Leaves out settings without effect. */
export function repeatCommand({ settings }: RunConfig): string {
  const isChanged = (name: SettingName) => {
    const { default: usual, encode } = SETTINGS[name] as { default: unknown; encode(value: unknown): unknown };
    return JSON.stringify(encode(settings[name])) !== JSON.stringify(encode(usual));
  };
  const isDefaultData = settings.dataset === SETTINGS.dataset.default;
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => {
    if (MACHINE_SETTINGS.includes(name) || unmetNeed(name, settings) || !isChanged(name)) return false;
    return !isDefaultData || (name !== "channels" && name !== "background");
  });
  const values = encodeConfig(settings);
  // Data other than MNIST may get another preset.
  const preset = isDefaultData ? [] : ["--preset", "tutorial"];
  const words = names.flatMap((name) => {
    const value = describeSetting(values[name]);
    const flag = name === "dataset" && settings.inputDir !== null ? "--target-dir" : flagOf(name);
    if (!("flag" in SETTINGS[name])) return ["--set", `${name}=${quote(value)}`];
    if (SETTINGS[name].flag === "") return [flag];
    return value.startsWith("-") ? [`${flag}=${quote(value)}`] : [flag, quote(value)];
  });
  return ["vae train", ...preset, ...words].join(" ");
}
