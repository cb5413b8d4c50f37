// Chooses settings that fit the data, if none are given.
import { type Config, createConfig, type GivenSettings } from "../config/config.js";
import { PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import type { DataKind } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { OBJECTIVES } from "../model/registry.js";
import { stepsPerEpoch } from "./batches.js";

/** Limits of the preset `photos`. */
const MIN_STEPS_PER_EPOCH = 20;
const MIN_STEPS = 3000;
const MAX_EPOCHS = 200;

/** The training images. */
interface TrainingImages extends Pick<ImageShape, "channels"> {
  readonly kind: DataKind;
  readonly count: number;
}

/**
 * Completes settings with a preset and defaults. If no preset is given, image files and colour images get `photos`. A
 * choice of that preset is omitted if it would leave a given setting without effect.
 *
 * @returns the settings, and the preset if chosen here
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

/** Batch size and epochs that give enough steps for few images. */
function paceOf({ count }: TrainingImages, given: GivenSettings): Pick<Config, "batchSize" | "epochs"> {
  const { batchSize: usual, epochs: usualEpochs } = SETTINGS;
  const minBatch = given.objective && OBJECTIVES[given.objective].comparesImages ? 2 : 1;
  const fitting = Math.max(minBatch, Math.min(usual.default, Math.floor(count / MIN_STEPS_PER_EPOCH)));
  const steps = Math.max(1, stepsPerEpoch({ count }, given.batchSize ?? fitting));
  const epochs = Math.max(usualEpochs.default, Math.min(MAX_EPOCHS, Math.ceil(MIN_STEPS / steps)));
  return { batchSize: fitting, epochs };
}

/** Changes of `photos` with labels: fewer dimensions, and no mixture prior, whose clusters would repeat the classes. */
const LABELLED: GivenSettings = { prior: "normal", dimZ: 8 };

/** The preset `photos`, without choices that conflict with given settings. */
function photosFor(given: GivenSettings): GivenSettings {
  const chosen = new Map(Object.entries({ ...PRESETS.photos.settings, ...(given.conditional && LABELLED) }));
  if (given.dimZ === 2) chosen.delete("prior"); // pictures of the latent plane assume N(0, 1)
  if ((given.binarize ?? "none") !== "none") chosen.delete("likelihood"); // binary pixels need Bernoulli
  if (Array.isArray(given.dimZ) || given.objective === "mmd") chosen.delete("prior"); // both need the normal prior
  for (const name of Object.keys(given) as SettingName[]) {
    for (const [other, values] of Object.entries(SETTINGS[name]?.needs ?? {})) {
      const isFree = given[other as SettingName] === undefined;
      if (isFree && !values.includes(String(chosen.get(other)))) chosen.delete(other);
    }
  }
  return Object.fromEntries(chosen);
}
