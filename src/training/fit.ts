// Chooses settings that fit the data, where none are given.
import { type Config, createConfig, type GivenSettings } from "../config/config.js";
import { PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import type { DataKind } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { OBJECTIVES } from "../model/registry.js";
import { stepsPerEpoch } from "./batches.js";

/** Of the preset `photos`. */
const MIN_STEPS_PER_EPOCH = 20;
const MIN_STEPS = 3000;
const MAX_EPOCHS = 200;

/** The training images. */
interface TrainingImages extends Pick<ImageShape, "channels"> {
  readonly kind: DataKind;
  readonly count: number;
}

/**
 * Completes settings with a preset and defaults. Without a preset, images from files and in colour get `photos`: then
 * `preset` is its name. A choice of that preset that would leave a given setting without effect is left out.
 *
 * @throws UserError if a setting is invalid
 */
export function fitSettings(
  given: GivenSettings,
  preset: PresetName | GivenSettings | undefined,
  images: TrainingImages,
): { readonly config: Config; readonly preset?: "photos" } {
  if (typeof preset === "object") return { config: createConfig(given, preset) };
  const isChosen = preset === undefined && (images.kind === "files" || images.channels === 3);
  const name = isChosen ? "photos" : (preset ?? "tutorial");
  const { settings } = PRESETS[name];
  const fitting = name === "photos" ? { ...photosFor(given), ...paceOf(images, given) } : settings;
  const config = createConfig(given, fitting);
  return { config, ...(isChosen && { preset: "photos" }) };
}

/** Batches and epochs, so that few images make enough steps. */
function paceOf({ count }: TrainingImages, given: GivenSettings): Pick<Config, "batchSize" | "epochs"> {
  const { batchSize: usual, epochs: usualEpochs } = SETTINGS;
  const least = given.objective && OBJECTIVES[given.objective].comparesImages ? 2 : 1;
  const fitting = Math.max(least, Math.min(usual.default, Math.floor(count / MIN_STEPS_PER_EPOCH)));
  const steps = Math.max(1, stepsPerEpoch({ count }, given.batchSize ?? fitting));
  const epochs = Math.max(usualEpochs.default, Math.min(MAX_EPOCHS, Math.ceil(MIN_STEPS / steps)));
  return { batchSize: fitting, epochs };
}

/** Of `photos` with labels: few dimensions, and no clusters, which would be the classes once more. */
const LABELLED: GivenSettings = { prior: "normal", dimZ: 8 };

/** The preset `photos` without choices that conflict with given settings. */
function photosFor(given: GivenSettings): GivenSettings {
  const left = new Map(Object.entries({ ...PRESETS.photos.settings, ...(given.conditional && LABELLED) }));
  if (given.dimZ === 2) left.delete("prior"); // a plane is drawn where N(0, 1) is
  if ((given.binarize ?? "none") !== "none") left.delete("likelihood"); // black and white pixels are Bernoulli's
  if (Array.isArray(given.dimZ) || given.objective === "mmd") left.delete("prior"); // they need the normal one
  for (const name of Object.keys(given) as SettingName[]) {
    for (const [other, values] of Object.entries(SETTINGS[name]?.needs ?? {})) {
      if (given[other as SettingName] === undefined && !values.includes(String(left.get(other)))) left.delete(other);
    }
  }
  return Object.fromEntries(left);
}
