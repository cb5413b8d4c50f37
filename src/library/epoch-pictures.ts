// The pictures that training leaves behind after every epoch.
import type { Config } from "../config.js";
import type { Dataset } from "../data/dataset.js";
import type { Fitted } from "../evaluation.js";
import { reconstructImages, sampleImages } from "../inference.js";
import type { Bounds } from "../model/elbo.js";
import type { Images, Version } from "../pictures/figures.js";
import { progressFigure, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { learningCurves } from "../pictures/plots.js";
import { encodePng } from "../pictures/png.js";
import type { RunFolder } from "../run/folder.js";
import { curveTitles, describePixels } from "./names.js";
import { asImages, drawLatents, drawManifold } from "./views.js";

const PICTURED_IMAGES = 100;
const PROGRESS_IMAGES = 20;
const SCATTERED_IMAGES = 5000;
const MANIFOLD = { columns: 20, rows: 20, spacing: "linear", range: 2 } as const;

interface Epoch {
  readonly epoch: number;
  readonly train: Bounds;
  readonly validation: Bounds;
}

/** Shows the same test images and the same z's after every epoch, so that the pictures can be compared. */
export class EpochPictures {
  readonly #milestones: Version[] = [];
  readonly #epochs: Epoch[] = [];

  constructor(
    readonly folder: RunFolder,
    readonly data: Dataset,
    readonly config: Config,
  ) {}

  async write(fitted: Fitted, result: Epoch, isLast: boolean): Promise<void> {
    const { data, config, folder } = this;
    const { epoch } = result;
    const count = Math.min(PICTURED_IMAGES, data.test.count);
    const { originals, corrupted, outputs } = await reconstructImages(fitted, data.test, count, config);
    const suffix = `epoch-${String(epoch).padStart(Math.max(2, String(config.epochs).length), "0")}.png`;
    const images = (pixels: Float32Array) => asImages(fitted, pixels);
    await this.#save(`reconstructions-${suffix}`, squareFigure(images(outputs)));
    const samples = await sampleImages(fitted, 0, PICTURED_IMAGES, config);
    await this.#save(`samples-${suffix}`, squareFigure(images(samples)));
    if (config.dimZ === 2) await this.#save(`manifold-${suffix}`, await drawManifold(fitted, MANIFOLD));

    this.#epochs.push(result);
    await folder.writePicture(
      "curves.svg",
      await learningCurves(this.#epochs, curveTitles(config), describePixels(config)),
    );

    const few = (pixels: Float32Array): Images => images(pixels.slice(0, PROGRESS_IMAGES * data.height * data.width));
    if (this.#milestones.length === 0) {
      await this.#save("inputs.png", squareFigure(images(originals)));
      this.#milestones.push({ label: "input", images: few(originals) });
      if (corrupted) {
        await this.#save("inputs-noisy.png", squareFigure(images(corrupted)));
        this.#milestones.push({ label: "noisy", images: few(corrupted) });
      }
    }
    if (/^[125]0*$/.test(String(epoch)) || isLast) {
      this.#milestones.push({ label: `epoch ${epoch}`, images: few(outputs) });
      await this.#save("progress.png", progressFigure(this.#milestones));
      if (config.dimZ === 2) {
        const options = { count: Math.min(SCATTERED_IMAGES, data.test.count), what: "means" } as const;
        await folder.writePicture("latent.svg", (await drawLatents(fitted, data.test, options, config)).svg);
      }
    }
  }

  async #save(name: string, picture: Picture): Promise<void> {
    await this.folder.writePicture(name, encodePng(picture));
  }
}
