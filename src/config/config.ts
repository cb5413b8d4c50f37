// The configuration of a run: parses and checks given settings, fills in defaults, and encodes the whole as JSON.
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

/** Parses a text of the command line. @throws UserError that says what the value must be */
export function parseSetting<Name extends SettingName>(name: Name, text: string): Config[Name] {
  return TABLE[name].parse(text) as Config[Name];
}

/** Completes settings, values or their JSON, with a preset and defaults. @throws UserError that names a wrong one */
export function createConfig(given: object, preset: object = {}): Config {
  const config = checkSettings(SETTINGS, given, preset);
  if (config.learningRateMilestones.some((epoch, i, all) => i > 0 && epoch <= all[i - 1])) {
    throw new UserError("The epochs of `learningRateMilestones` must grow.");
  }
  return config;
}

/** The configuration as JSON: what config.json and checkpoints hold. `createConfig` reads it back. */
export function encodeConfig(config: Config): { readonly [name in SettingName]: unknown } {
  const entries = Object.entries(config).map(([name, value]) => [name, TABLE[name].encode(value)]);
  return Object.fromEntries(entries);
}

/** @throws UserError that names a given setting without effect. Presets and defaults may be without effect. */
export function checkNeeds(given: GivenSettings, config: Config): void {
  for (const name of Object.keys(TABLE) as SettingName[]) {
    const unmet = given[name] === undefined ? undefined : unmetNeed(name, config);
    if (!unmet) continue;
    const [other, values] = unmet;
    throw new UserError(`\`${name}\` needs ${values.map((value) => `\`${other}: ${value}\``).join(" or ")}.`);
  }
}

/** What `needs` call the value of a setting. */
export function kindOf(name: SettingName, settings: GivenSettings): string {
  const value = settings[name];
  return TABLE[name].kindOf?.(value) ?? String(value);
}

/** The setting without whose values this one has no effect, and these values; undefined if it has one. */
export function unmetNeed(name: SettingName, config: Config): [other: string, values: readonly string[]] | undefined {
  const needs = Object.entries(TABLE[name].needs ?? {});
  return needs.find(([other, values]) => !values.includes(kindOf(other as SettingName, config)));
}
