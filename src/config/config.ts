// The configuration of a run: validates settings, fills in defaults, encodes as JSON.
import { UserError } from "../errors.js";
import { checkSettings, type Given, type SettingTable, type ValuesOf } from "./entries.js";
import { SETTINGS, type SettingName } from "./settings.js";

/** All settings of a run. */
export type Config = ValuesOf<typeof SETTINGS>;

/** Settings that differ from the defaults. */
export type GivenSettings = Given<Config>;

const TABLE: SettingTable = SETTINGS;

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** Parses command-line text. @throws UserError that says which values are valid */
export function parseSetting<Name extends SettingName>(name: Name, text: string): Config[Name] {
  return TABLE[name].parse(text) as Config[Name];
}

/** Validates settings (values or their JSON), and adds a preset and defaults. @throws UserError for an invalid one */
export function createConfig(given: object, preset: object = {}): Config {
  const config = checkSettings(SETTINGS, given, preset);
  if (config.learningRateMilestones.some((epoch, i, all) => i > 0 && epoch <= all[i - 1])) {
    throw new UserError("The epochs of `learningRateMilestones` must increase.");
  }
  return config;
}

/** Encodes the configuration as JSON, for config.json and checkpoints. `createConfig` parses it. */
export function encodeConfig(config: Config): { readonly [name in SettingName]: unknown } {
  const entries = Object.entries(config).map(([name, value]) => [name, TABLE[name].encode(value)]);
  return Object.fromEntries(entries);
}

/** @throws UserError if a setting in `given` has no effect. Presets and defaults may have none. */
export function checkNeeds(given: GivenSettings, config: Config): void {
  for (const name of Object.keys(TABLE) as SettingName[]) {
    const unmet = given[name] === undefined ? undefined : unmetNeed(name, config);
    if (!unmet) continue;
    const [other, values] = unmet;
    throw new UserError(`\`${name}\` needs ${values.map((value) => `\`${other}: ${value}\``).join(" or ")}.`);
  }
}

/** The name of a setting's value in `needs` of other settings. */
export function kindOf(name: SettingName, settings: GivenSettings): string {
  const value = settings[name];
  return TABLE[name].kindOf?.(value) ?? String(value);
}

/** An unmet need of a setting: another setting and its required values; undefined if all needs are met. */
export function unmetNeed(name: SettingName, config: Config): [other: string, values: readonly string[]] | undefined {
  const needs = Object.entries(TABLE[name].needs ?? {});
  return needs.find(([other, values]) => !values.includes(kindOf(other as SettingName, config)));
}
