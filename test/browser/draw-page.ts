// The Draw view of vae explore, for tests: its canvas, and ways to draw on it.
import type { Locator, Page } from "playwright-core";
import { pixelsOf } from "./explorer.js";
import { fingersOn } from "./touch.js";

/** What tests read of a browser: they are compiled without its types. */
interface Browser {
  readonly window: {
    readonly DataTransfer: new () => { readonly items: { add(file: unknown): void } };
    readonly File: new (parts: unknown[], name: string, options: object) => unknown;
  } & Record<"DragEvent" | "ClipboardEvent" | "PointerEvent", new (type: string, options: object) => unknown>;
}
interface Target {
  readonly ownerDocument: { readonly defaultView: Browser["window"] };
  setPointerCapture(): void;
  dispatchEvent(event: unknown): void;
}

const NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))";

export class DrawPage {
  readonly canvas: Locator;

  constructor(readonly page: Page) {
    this.canvas = page.getByRole("application", { name: "Drawing" });
  }

  /** The bytes of the drawing, grey or coloured. */
  async drawing(channels = 1): Promise<number[]> {
    return bytesOf(this.canvas.locator("canvas"), channels);
  }

  /** The bytes of the reconstruction, grey. */
  async reconstruction(): Promise<number[]> {
    return bytesOf(this.page.getByRole("img", { name: "Reconstruction", exact: true }));
  }

  /** The sum of the drawing's bytes. */
  async ink(): Promise<number> {
    return (await this.drawing()).reduce((sum, value) => sum + value, 0);
  }

  /** The text of the table of the posterior. */
  posterior(): Promise<string> {
    return this.page.getByRole("region", { name: "Dimensions" }).innerText();
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  click(button: string): Promise<void> {
    return this.page.getByRole("button", { name: button, exact: true }).click();
  }

  /** A stroke like the digit 7, by the mouse. */
  async stroke(): Promise<void> {
    const { mouse } = this.page;
    await mouse.move(...(await this.#place(0.3, 0.2)));
    await mouse.down();
    await mouse.move(...(await this.#place(0.6, 0.3)), { steps: 4 });
    await mouse.move(...(await this.#place(0.4, 0.9)), { steps: 4 });
    await mouse.up();
  }

  /** A vertical stroke in the middle, by a finger, while another one rests on a corner. */
  async swipe(): Promise<void> {
    const touch = await fingersOn(this.page);
    const send = async (type: "touchStart" | "touchMove", ...places: [number, number][]) =>
      touch(type, ...(await Promise.all(places.map((place) => this.#place(...place)))));
    await send("touchStart", [0.5, 0.8]);
    await send("touchStart", [0.5, 0.8], [0.1, 0.1]);
    for (const down of [0.7, 0.5, 0.3]) await send("touchMove", [0.5, down], [0.12, 0.1]);
    await touch("touchEnd");
  }

  /** A dab of a pen in the middle. */
  async dab(pressure: number): Promise<void> {
    const [clientX, clientY] = await this.#place(0.5, 0.5);
    const pen = { pointerType: "pen", pointerId: 1, isPrimary: true, buttons: 1 };
    const options = { ...pen, pressure, clientX, clientY, bubbles: true };
    await this.canvas.evaluate((element: unknown, options) => {
      const canvas = element as Target;
      canvas.setPointerCapture = () => {}; // refuses events that no device has sent
      canvas.dispatchEvent(new canvas.ownerDocument.defaultView.PointerEvent("pointerdown", options));
    }, options);
  }

  /** Drops or pastes an image file. */
  async give(how: "drop" | "paste", png: Uint8Array): Promise<void> {
    await this.canvas.evaluate(
      (element: unknown, { how, bytes }) => {
        const canvas = element as Target;
        const { DataTransfer, File, DragEvent, ClipboardEvent } = canvas.ownerDocument.defaultView;
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(bytes)], "image.png", { type: "image/png" }));
        const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
        canvas.dispatchEvent(new (how === "drop" ? DragEvent : ClipboardEvent)(how, options));
      },
      { how, bytes: Array.from(png) },
    );
  }

  /** A place in the canvas, from 0 to 1 across and down, in the window. */
  async #place(across: number, down: number): Promise<[number, number]> {
    const box = await this.canvas.boundingBox();
    if (!box) throw new Error("The canvas is not on the page");
    return [box.x + across * box.width, box.y + down * box.height];
  }
}

/** The bytes of a canvas: one of each pixel, or three. Waits for the frame that draws what was done before. */
export async function bytesOf(canvas: Locator, channels = 1): Promise<number[]> {
  await canvas.page().evaluate(NEXT_FRAME);
  const { rgb } = await pixelsOf(canvas);
  return rgb.filter((_, i) => i % 3 < channels);
}
