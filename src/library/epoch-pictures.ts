// The pictures that training leaves behind after every epoch.
import type { Config } from "../config.js";
import type { Dataset } from "../data/dataset.js";
import type { Engine } from "../engine/engine.js";
import { reconstructImages, sampleImages } from "../inference.js";
import type { HostParams } from "../model/parameters.js";
import type { Images, Version } from "../pictures/figures.js";
import { progressFigure, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { encodePng } from "../pictures/png.js";
import type { RunFolder } from "../run/folder.js";

const PICTURED_IMAGES = 100;
const PROGRESS_IMAGES = 20;

/** Shows the same test images and the same z's after every epoch, so that the pictures can be compared. */
export class EpochPictures {
  readonly #milestones: Version[] = [];

  constructor(
    readonly folder: RunFolder,
    readonly engine: Engine,
    readonly data: Dataset,
    readonly config: Config,
  ) {}

  async write(params: HostParams, epoch: number): Promise<void> {
    const { data, config, engine } = this;
    const count = Math.min(PICTURED_IMAGES, data.test.count);
    const { originals, corrupted, outputs } = await reconstructImages(engine, params, data.test, count, config);
    const suffix = `epoch-${String(epoch).padStart(Math.max(2, String(config.epochs).length), "0")}.png`;
    await this.#save(`reconstructions-${suffix}`, squareFigure(this.#images(outputs)));
    const samples = await sampleImages(engine, params, 0, PICTURED_IMAGES, config);
    await this.#save(`samples-${suffix}`, squareFigure(this.#images(samples)));

    if (this.#milestones.length === 0) {
      await this.#save("inputs.png", squareFigure(this.#images(originals)));
      this.#milestones.push({ label: "input", images: this.#few(originals) });
      if (corrupted) {
        await this.#save("inputs-noisy.png", squareFigure(this.#images(corrupted)));
        this.#milestones.push({ label: "noisy", images: this.#few(corrupted) });
      }
    }
    if (/^[125]0*$/.test(String(epoch)) || epoch === config.epochs) {
      this.#milestones.push({ label: `epoch ${epoch}`, images: this.#few(outputs) });
      await this.#save("progress.png", progressFigure(this.#milestones));
    }
  }

  async #save(name: string, picture: Picture): Promise<void> {
    await this.folder.writePicture(name, encodePng(picture));
  }

  #few(pixels: Float32Array): Images {
    return this.#images(pixels.slice(0, PROGRESS_IMAGES * this.data.height * this.data.width));
  }

  #images(pixels: Float32Array): Images {
    return { pixels, height: this.data.height, width: this.data.width };
  }
}
