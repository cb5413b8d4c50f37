// The Plane view of the explorer's page, and what the library computes of the same runs.
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { range } from "../../src/data/pixels.js";
import { loadModel } from "../../src/index.js";
import { decodedOf, type Explorer, type PageOptions, pixelsOf, settled } from "./explorer.js";

/** The page of a run. */
export class Plane {
  private constructor(readonly page: Page) {}

  static async open(explorer: Explorer, run: string, options: PageOptions = {}, query = ""): Promise<Plane> {
    const plane = new Plane(await explorer.open(`#plane?run=${run}${query}`, options));
    await plane.plot.waitFor();
    await plane.settled();
    return plane;
  }

  /** The latent vectors whose images the page has received one by one, in order. */
  async decoded(): Promise<number[][]> {
    return (await decodedOf(this.page)).map(floatsOf);
  }

  get plot() {
    return this.page.getByRole("application").first();
  }

  /** A part of the panel. */
  part(name: string) {
    return this.page.getByRole("region", { name, exact: true }).first();
  }

  get index() {
    return this.part("Test image").getByRole("spinbutton");
  }

  /** Waits until all that was asked for is decoded and drawn. @returns the last z */
  async settled(): Promise<number[]> {
    await settled(this.page);
    return (await this.decoded()).at(-1) as number[];
  }

  async select(index: number): Promise<void> {
    await this.index.fill(`${index}`);
    await this.index.press("Enter");
    await this.settled();
  }

  /** Moves the pressed mouse by pixels, from the centre of the plot. @returns the last z */
  async drag(right: number, down: number): Promise<number[]> {
    const [x, y] = await this.pixel(0.5, 0.5);
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + right, y + down, { steps: 5 });
    await this.page.mouse.up();
    return this.settled();
  }

  /** A pixel of the window at a share of the plot's width and height. */
  async pixel(across: number, down: number): Promise<[number, number]> {
    const { x, y, width, height } = (await this.plot.boundingBox()) as NonNullable<
      Awaited<ReturnType<typeof this.plot.boundingBox>>
    >;
    return [Math.round(x + across * width), Math.round(y + down * height)];
  }
}

/** Little-endian float32 values in base64. */
export function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** Calls the library with the model of a run. */
export async function withModel<T>(run: string, use: (model: LoadedModel) => Promise<T>): Promise<T> {
  const model = await loadModel(run);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

type LoadedModel = Awaited<ReturnType<typeof loadModel>>;

/** The test images of a run and their posteriors, by the library. */
export function encodeTest(run: string) {
  return withModel(run, async (model) => {
    const { test } = await model.loadData();
    const { z, sigma } = await model.encode(test);
    const rows = <Values extends ArrayLike<number>>(data: Values) => {
      const length = data.length / test.count;
      return Array.from({ length: test.count }, (_, i) => Array.from(data).slice(i * length, (i + 1) * length));
    };
    const bytes = test.pixels.read(range(0, test.count));
    return {
      means: rows(z.data),
      sigmas: sigma ? rows(sigma.data) : [],
      pixels: rows(bytes).map((row) => row.map((byte) => byte / 255)),
      labels: Array.from(test.labels ?? []),
    };
  });
}

/** Indices of points, the nearest to z first. */
export function nearestTo(points: readonly (readonly number[])[], z: readonly number[]): number[] {
  const distance = (i: number) => Math.hypot(...points[i].map((value, d) => value - z[d]));
  return [...points.keys()].sort((a, b) => distance(a) - distance(b));
}

/** Expects the decoded image on the page to be what the library decodes from z. */
export async function expectDecoded(plane: Plane, run: string, z: readonly number[], ofClass?: string): Promise<void> {
  const { data } = await withModel(run, (model) =>
    model.decode([[...z]], ofClass === undefined ? {} : { class: ofClass }),
  );
  expectGrey(await pixelsOf(plane.part("Decoded image").locator("canvas")), data, 1);
}

/** Expects the pixels of a canvas to be grey values from 0 to 1. */
export function expectGrey(
  { rgb }: { readonly rgb: readonly number[] },
  grey: ArrayLike<number>,
  tolerance: number,
): void {
  expect(rgb).toHaveLength(3 * grey.length);
  expect(Math.max(...rgb.map((byte, i) => Math.abs(byte - 255 * grey[Math.floor(i / 3)])))).toBeLessThanOrEqual(
    tolerance,
  );
}

/** A number as the page prints it. */
export function shown(value: number): string {
  return value.toFixed(2).replace("-", "−");
}
