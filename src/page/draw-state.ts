// The state of the Draw view, kept while other views are shown: the drawing, the brush, and the inference from it.
import { effect, signal } from "@preact/signals";
import type { Inference } from "../explore/protocol.js";
import { latestOnly } from "./client.js";
import { type Colour, Drawing } from "./drawing.js";
import type { OpenModel } from "./model.js";
import { packBytes, unpackBytes } from "./packed.js";

/** Test images whose mean decides whether the background is black or white. */
const IMAGES_FOR_BACKGROUND = 100;
/** Largest diameter of the brush, as a share of the image's shorter side. */
const MAX_BRUSH = 0.4;

/** A drawing and its brush. Models of images of one size share them, so that they can be compared. */
export class Sketch {
  readonly drawing: Drawing;
  readonly isErasing = signal(false);
  /** Diameter in pixels of the image. */
  readonly brush;
  readonly maxBrush: number;
  /** The colour of the brush; of grey images, white on black or black on white. */
  readonly ink;

  constructor({ height, width, channels }: OpenModel["info"], isDark: boolean) {
    const all = (value: number) => new Array<number>(channels).fill(value);
    this.drawing = new Drawing({ height, width, channels }, all(isDark ? 0 : 255));
    this.ink = signal<Colour>(all(isDark ? 255 : 0));
    const side = Math.min(height, width);
    this.maxBrush = Math.max(4, Math.round(MAX_BRUSH * side));
    this.brush = signal(Math.min(this.maxBrush, Math.max(1.5, Math.round(side / 5.6) / 2)));
  }

  get colour(): Colour {
    return this.isErasing.value ? this.drawing.background : this.ink.value;
  }
}

/** A model's share of the Draw view. */
export class DrawState {
  readonly inference = signal<Inference | undefined>(undefined);
  /** The strength of a denoiser's noise; 0 is none. */
  readonly noise;

  constructor(
    readonly model: OpenModel,
    readonly sketch: Sketch,
  ) {
    this.noise = signal(model.info.noise?.strength ?? 0);
  }

  /** Infers after each change of drawing, noise, class or weights, until the returned function is called. */
  start(): () => void {
    const infer = latestOnly(async (given: Parameters<typeof this.infer>[0]) => {
      // The page shows the problem of the call, and keeps the last inference.
      await this.infer(given).catch(() => {});
    });
    return effect(() => {
      const { chosenClass, epoch } = this.model;
      epoch.value;
      infer({ image: this.sketch.drawing.image.value, noise: this.noise.value, ofClass: chosenClass.value });
    });
  }

  private async infer({ image, noise, ofClass }: { image: Uint8Array; noise: number; ofClass: string | undefined }) {
    const { height, width, channels } = this.model.info;
    this.inference.value = await this.model.call("infer", {
      image: packBytes(image, [height, width, channels]),
      ...(noise > 0 && { noise }),
      ...(ofClass !== undefined && { class: ofClass }),
    });
  }

  /** Draws a test image. */
  async loadTest(index: number): Promise<void> {
    this.sketch.drawing.replace(unpackBytes(await this.model.call("testImages", { indices: [index] })));
  }

  /** Decodes an image file, and draws it. */
  async openFile(file: Blob): Promise<void> {
    const { base64 } = packBytes(new Uint8Array(await file.arrayBuffer()), []);
    this.sketch.drawing.replace(unpackBytes(await this.model.call("openFile", { base64 })));
  }
}

const states = new WeakMap<OpenModel, Promise<DrawState>>();
const sketches = new Map<string, Sketch>();

/** The state of a model, created at the first call. */
export function drawStateOf(model: OpenModel): Promise<DrawState> {
  const known = states.get(model);
  if (known) return known;
  const created = createState(model);
  states.set(model, created);
  return created;
}

async function createState(model: OpenModel): Promise<DrawState> {
  const { height, width, channels } = model.info;
  const isDark = await hasDarkImages(model).catch(() => true); // the page shows the problem of the call
  const key = [height, width, channels, isDark].join();
  const sketch = sketches.get(key) ?? new Sketch(model.info, isDark);
  sketches.set(key, sketch);
  return new DrawState(model, sketch);
}

/** Whether the test images are darker than half grey on average, such as white digits on black. */
async function hasDarkImages(model: OpenModel): Promise<boolean> {
  const count = Math.min(IMAGES_FOR_BACKGROUND, model.info.testImages);
  if (count === 0) return true;
  const bytes = unpackBytes(await model.call("testImages", { indices: Array.from({ length: count }, (_, i) => i) }));
  return bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length < 128;
}
