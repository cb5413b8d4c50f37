// The pictures that training leaves behind after every epoch.
import type { Config } from "../../config/config.js";
import { curveTitles, describePixels } from "../../config/names.js";
import type { Dataset } from "../../data/dataset.js";
import { pixelsOf } from "../../data/pixels.js";
import type { Fitted } from "../../inference/evaluation.js";
import { reconstructImages, sampleImages } from "../../inference/inference.js";
import { asImages, drawLatents, drawManifold, usualSide, usualTiles } from "../../inference/views.js";
import type { Bounds } from "../../model/elbo.js";
import type { Version } from "../../pictures/figures.js";
import { progressFigure, squareFigure } from "../../pictures/figures.js";
import type { Picture } from "../../pictures/grid.js";
import { learningCurves } from "../../pictures/plots.js";
import { encodePng } from "../../pictures/png.js";
import type { RunFolder } from "../../run/folder.js";

const PICTURED_IMAGES = 100;
const PROGRESS_IMAGES = 20;
/** Rows of progress.png, roughly. */
const MILESTONES = 10;
const SCATTERED_IMAGES = 5000;

interface Epoch {
  readonly epoch: number;
  readonly train: Bounds;
  readonly validation: Bounds;
}

/** What the first test images were reconstructed as after an epoch: a row of progress.png. */
export interface Milestone {
  readonly epoch: number;
  readonly outputs: Float32Array;
}

/** Shows the same test images and the same z's after every epoch, so that the pictures can be compared; fewer of large images. */
export class EpochPictures {
  readonly milestones: Milestone[];

  /** @param milestones of the epochs before */
  constructor(
    readonly folder: RunFolder,
    readonly data: Dataset,
    readonly config: Config,
    milestones: readonly Milestone[],
  ) {
    this.milestones = [...milestones];
  }

  /** @param epochs all so far; the last one is drawn */
  async write(fitted: Fitted, epochs: readonly Epoch[], isLast: boolean): Promise<void> {
    const { data, config, folder } = this;
    const { epoch } = epochs[epochs.length - 1];
    const most = usualTiles(data);
    const count = Math.min(PICTURED_IMAGES, data.test.count, most);
    const { originals, corrupted, outputs } = await reconstructImages(fitted, data.test, count, config);
    const suffix = `epoch-${String(epoch).padStart(Math.max(2, String(config.epochs).length), "0")}.png`;
    const images = (pixels: Float32Array) => asImages(fitted, pixels);
    await this.#save(`reconstructions-${suffix}`, squareFigure(images(outputs)));
    const samples = await sampleImages(fitted, 0, Math.min(PICTURED_IMAGES, most), config);
    await this.#save(`samples-${suffix}`, squareFigure(images(samples)));
    if (config.dimZ === 2) {
      const side = usualSide(data);
      const manifold = await drawManifold(fitted, { columns: side, rows: side, spacing: "linear", range: 2 });
      await this.#save(`manifold-${suffix}`, manifold);
    }

    // Of many epochs, only once the lines have grown by a hundredth: each drawing takes time and memory for all of them.
    if (isLast || epoch % Math.ceil(epoch / 100) === 0) {
      const curves = await learningCurves(epochs, curveTitles(config), describePixels(config));
      await folder.writePicture("curves.svg", curves);
    }

    if (epoch === 1) {
      await this.#save("inputs.png", squareFigure(images(originals)));
      if (corrupted) await this.#save("inputs-noisy.png", squareFigure(images(corrupted)));
    }
    if (/^[125]0*$/.test(String(epoch)) || isLast) {
      const columns = Math.min(PROGRESS_IMAGES, Math.ceil(most / MILESTONES));
      const few = (pixels: Float32Array) => pixels.slice(0, columns * pixelsOf(data));
      this.milestones.push({ epoch, outputs: few(outputs) });
      const versions: Version[] = [
        { label: "input", images: images(few(originals)) },
        ...(corrupted ? [{ label: "noisy", images: images(few(corrupted)) }] : []),
        ...this.milestones.map(({ epoch, outputs }) => ({ label: `epoch ${epoch}`, images: images(outputs) })),
      ];
      await this.#save("progress.png", progressFigure(versions));
      if (config.dimZ === 2) {
        const options = { count: Math.min(SCATTERED_IMAGES, data.test.count), what: "means" } as const;
        await folder.writePicture(
          "latent.svg",
          (await drawLatents(fitted, data.test, options, config, data.classes)).svg,
        );
      }
    }
  }

  async #save(name: string, picture: Picture): Promise<void> {
    await this.folder.writePicture(name, encodePng(picture));
  }
}
