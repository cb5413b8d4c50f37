// A sink that draws pictures after every epoch.
import { curveTitles, describePixels } from "../../config/names.js";
import type { Dataset } from "../../data/dataset.js";
import { pixelsOf } from "../../data/pixels.js";
import { type Reconstructions, reconstructImages, sampleImages } from "../../inference/coding.js";
import { TrainedModel, type TrainedModelInit } from "../../inference/trained-model.js";
import {
  asImages,
  defaultSide,
  defaultTiles,
  drawClasses,
  drawLatents,
  drawManifold,
  hasPlane,
  seenVersions,
} from "../../inference/views.js";
import { progressFigure, squareFigure, type Version } from "../../pictures/figures.js";
import type { Picture } from "../../pictures/grid.js";
import { learningCurves } from "../../pictures/plots.js";
import { encodePng } from "../../pictures/png.js";
import type { RunFolder } from "../../run/folder.js";
import { type EpochReport, isDone } from "../../run/reports.js";
import type { Sink } from "../events.js";

const PICTURED_IMAGES = 100;
const PROGRESS_IMAGES = 20;
const PROGRESS_ROWS = 10;
const SCATTERED_IMAGES = 5000;

const FILE_NAMES = { input: "inputs.png", noisy: "inputs-noisy.png", target: "targets.png" } as const;

/** A row of progress.png: the reconstructions of the first test images after an epoch. */
export interface PictureRow {
  readonly epoch: number;
  readonly outputs: Float32Array;
}

/**
 * Draws the same test images and the same values of z after every epoch; fewer of large images. Of a conditional model,
 * the samples are a row for each class, and the manifold is that of the first one.
 */
export class EpochPictures {
  readonly rows: PictureRow[];
  readonly #max: number;

  constructor(
    readonly folder: RunFolder,
    readonly data: Dataset,
    readonly init: Omit<TrainedModelInit, "params">,
    rows: readonly PictureRow[],
  ) {
    this.rows = [...rows];
    this.#max = defaultTiles(data);
  }

  readonly sink: Sink = async (event, { state, reports }) => {
    if (event.type !== "epoch") return;
    const { config } = this.init;
    const { epoch } = event;
    const isLast = isDone(reports, config);
    const trained = new TrainedModel({ ...this.init, params: state.params });
    const name = `${String(epoch).padStart(Math.max(3, String(config.epochs).length), "0")}.png`;
    const reconstructions = await this.#drawReconstructions(trained, name, epoch === 1);
    await this.#drawSamples(trained, name);
    await this.#drawCurves(reports, isLast);
    if (/^[125]0*$/.test(String(epoch)) || isLast) {
      await this.#drawProgress(trained, epoch, reconstructions);
      await this.#drawPlane(trained);
    }
  };

  async #drawReconstructions(trained: TrainedModel, name: string, isFirst: boolean): Promise<Reconstructions> {
    const { test } = this.data;
    const images = { ...test, count: Math.min(PICTURED_IMAGES, test.count, this.#max) };
    const result = await reconstructImages(trained, images, trained.config);
    await this.#save(`reconstructions/${name}`, squareFigure(asImages(trained, result.outputs)));
    if (isFirst) {
      for (const { label, pixels } of seenVersions(images, result)) {
        await this.#save(FILE_NAMES[label], squareFigure(asImages(trained, pixels)));
      }
    }
    return result;
  }

  async #drawSamples(trained: TrainedModel, name: string): Promise<void> {
    const { classes, config } = trained;
    const count = Math.min(PICTURED_IMAGES, this.#max);
    const picture = classes
      ? (await drawClasses(trained, classes, config.seed)).picture
      : squareFigure(asImages(trained, await sampleImages(trained, 0, count, config.seed)));
    await this.#save(`samples/${name}`, picture);
    if (!hasPlane(trained)) return;
    const side = defaultSide(this.data);
    const manifold = await drawManifold(trained, { columns: side, rows: side, spacing: "linear", range: 2 });
    await this.#save(`manifold/${name}`, manifold);
  }

  /** Skips epochs that add less than a hundredth: each drawing takes time and memory for all of them. */
  async #drawCurves(reports: readonly EpochReport[], isLast: boolean): Promise<void> {
    const { length: epoch } = reports;
    if (!isLast && epoch % Math.ceil(epoch / 100) !== 0) return;
    const { config } = this.init;
    const svg = await learningCurves(reports, curveTitles(config), describePixels(config));
    await this.folder.writePicture("curves.svg", svg);
  }

  async #drawProgress(trained: TrainedModel, epoch: number, reconstructions: Reconstructions): Promise<void> {
    const { outputs } = reconstructions;
    const columns = Math.min(PROGRESS_IMAGES, Math.ceil(this.#max / PROGRESS_ROWS));
    const few = (pixels: Float32Array) => pixels.slice(0, columns * pixelsOf(this.data));
    this.rows.push({ epoch, outputs: few(outputs) });
    const version = (label: string, pixels: Float32Array): Version => ({ label, images: asImages(trained, pixels) });
    const versions = [
      ...seenVersions(this.data.test, reconstructions).map(({ label, pixels }) => version(label, few(pixels))),
      ...this.rows.map(({ epoch, outputs }) => version(`epoch ${epoch}`, outputs)),
    ];
    await this.#save("progress.png", progressFigure(versions));
  }

  async #drawPlane(trained: TrainedModel): Promise<void> {
    if (trained.model.parts.dimZ !== 2) return;
    const { test, classes } = this.data;
    const images = { ...test, count: Math.min(SCATTERED_IMAGES, test.count) };
    const { svg } = await drawLatents(trained, images, "means", trained.config, classes);
    await this.folder.writePicture("latent.svg", svg);
  }

  async #save(name: string, picture: Picture): Promise<void> {
    await this.folder.writePicture(name, encodePng(picture));
  }
}
