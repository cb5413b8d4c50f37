// Latents of test images for TensorBoard's projector.
import { nameOfLabel } from "../data/classes.js";
import type { Dataset } from "../data/dataset.js";
import { encodeLabels, encodeProjectorConfig, encodeVectors } from "../formats/projector.js";
import { encodePng } from "../pictures/png.js";
import { drawSprite, MAX_SPRITE_IMAGES } from "../pictures/sprite.js";
import type { EventFolder } from "../run/event-folder.js";
import { inferLatents } from "./coding.js";
import type { EpochLatents } from "./event-log.js";
import type { TrainedModel } from "./trained-model.js";

/** Maximum number of images in the projector, which a browser can move. */
const MAX_IMAGES = Math.min(5000, MAX_SPRITE_IMAGES);
/** Maximum count × Z: about 20 MB of text. */
const MAX_NUMBERS = 2e6;
/** Images of the histograms of an epoch. */
const HISTOGRAM_IMAGES = 1000;

/** The posterior means of the first test images, without noise, for histograms. */
export async function latentsOf(trained: TrainedModel, { test }: Dataset, epoch: number): Promise<EpochLatents> {
  const images = { ...test, count: Math.min(HISTOGRAM_IMAGES, test.count) };
  const means = await inferLatents(trained, images, { ...trained.config, noise: null }, "means");
  return { epoch, means, dimZ: trained.model.parts.dimZ };
}

/** Writes the posterior means of the first test images, their classes and a sprite of them, and the configuration. */
export async function writeProjector(trained: TrainedModel, { test }: Dataset, folder: EventFolder): Promise<void> {
  const { dimZ } = trained.model.parts;
  const count = Math.min(MAX_IMAGES, Math.max(1, Math.floor(MAX_NUMBERS / dimZ)), test.count);
  const means = await inferLatents(trained, { ...test, count }, { ...trained.config, noise: null }, "means");
  const { labels } = test;
  const nameOf = labels && ((image: number) => nameOfLabel(test, labels[image]));
  const { picture, tile } = drawSprite(count, trained.size, (image) => test.pixels.read([image]));
  const projection = {
    name: trained.model.isDrawn ? "posterior means" : "latents",
    vectors: "tensors.tsv",
    shape: [count, dimZ],
    labels: "metadata.tsv",
    sprite: { file: "sprite.png", ...tile },
  } as const;
  await folder.write(projection.vectors, encodeVectors(means, dimZ));
  await folder.write(projection.labels, encodeLabels(count, nameOf));
  await folder.write(projection.sprite.file, encodePng(picture));
  await folder.write("projector_config.pbtxt", encodeProjectorConfig(projection));
}
