// The Draw view of vae explore in a browser, on small trained runs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { encodePng, type LoadedModel, loadModel } from "../../src/index.js";
import { bytesOf, DrawPage } from "../browser/draw-page.js";
import { Explorer, overflowOf, type PageOptions, settled } from "../browser/explorer.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

const browser = inject("browser");

let home: string;
let explorer: Explorer;
let model: LoadedModel;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  if (!browser) return;
  home = mkdtempSync(path.join(tmpdir(), "vae-draw-"));
  copyTiny(home);
  const train = async (run: string, ...args: string[]) => {
    const fixed = "--dataset tiny --epochs 1 --n-hidden 16 --threads 1 --quiet --run".split(" ");
    expect((await vae(["train", ...fixed, `runs/${run}`, ...args], home)).code).toBe(0);
  };
  await train("denoiser", "--dim-z", "3", "--noise", "mask:0.5");
  await train("conditional", "--conditional");
  writeColours(at("colours"));
  await train("colour", ..."--dataset colours --network mlp --dim-z 3 --size 8 --channels 3".split(" "));
  model = await loadModel(at("run"));
  explorer = await Explorer.start(browser, home, "--run", "run");
});
afterAll(async () => {
  if (!browser) return;
  await explorer?.close();
  await model?.close();
  rmSync(home, { recursive: true });
  expect(explorer.problems).toEqual([]);
});

/** Writes white images with a coloured square. */
function writeColours(folder: string): void {
  mkdirSync(folder);
  for (let i = 0; i < 40; i++) {
    const pixels = new Uint8Array(8 * 8 * 3).fill(255);
    for (let k = 0; k < 16; k++) pixels.set([6 * i, 200 - 5 * i, 90], 3 * (8 * (k >> 2) + (k & 3)));
    writeFileSync(path.join(folder, `${i}.png`), encodePng({ width: 8, height: 8, channels: 3, pixels }));
  }
}

async function open(run: string, options?: PageOptions): Promise<DrawPage> {
  return new DrawPage(await explorer.open(`#draw?run=${run}`, options));
}

/** Waits until what is read satisfies an expectation. */
const eventually = <Value>(read: () => Promise<Value>) => expect.poll(read, { timeout: 30_000 });
const asBytes = ({ data }: { readonly data: Float32Array }) => Array.from(data, (value) => Math.round(255 * value));
const minus = (text: string) => text.replaceAll("-", "−");

/** Drops a file on the page, outside of the card of the drawing. */
const DROP_BESIDE = `(() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["image"], "image.png", { type: "image/png" }));
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
  return document.body.dispatchEvent(drop) ? "opened by the browser" : "ignored";
})()`;

describe.skipIf(!browser)("Draw", () => {
  it("infers what the library encodes from the drawn pixels", async () => {
    const view = await open("run");
    await view.stroke();
    const drawing = await view.drawing();
    expect(Math.max(...drawing)).toBe(255);
    const { z, sigma } = await model.encode({ data: Uint8Array.from(drawing), shape: [1, 7, 7] });
    await eventually(() => view.reconstruction()).toEqual(asBytes(await model.decode(z)));
    for (const d of [0, 1]) {
      const text = minus(`${z.data[d].toFixed(2)} ± ${sigma?.data[d].toFixed(2)}`);
      await eventually(() => view.posterior()).toContain(text);
    }
    const name = minus(`Posterior mean at ${z.data[0].toFixed(2)}, ${z.data[1].toFixed(2)}`);
    await view.page.getByRole("img", { name }).waitFor();
    const bound = await view.page.getByRole("region", { name: "Reconstruction" }).innerText();
    const [, ...numbers] = /−ELBO\s+(\S+)\s+Reconstruction\s+−(\S+)\s+KL\s+(\S+)/.exec(bound) ?? [];
    const [negativeElbo, loss, kl] = numbers.map(Number);
    expect(negativeElbo).toBeCloseTo(loss + kl, 1);
    await view.click("Open in Sliders");
    const value = view.page.getByRole("spinbutton", { name: "Value of z1" });
    await eventually(() => value.inputValue().then(Number)).toBeCloseTo(z.data[0], 3);
    await view.page.close();
  });

  it("undoes and clears strokes, erases, and resizes the brush", async () => {
    const view = await open("run");
    const undo = view.page.getByRole("button", { name: "Undo" });
    await eventually(() => undo.isDisabled()).toBe(true);
    await view.stroke();
    const thin = await view.ink();
    await undo.click();
    expect(await view.ink()).toBe(0);
    await view.page.getByRole("slider", { name: "Brush size" }).press("End");
    await view.stroke();
    const thick = await view.ink();
    expect(thick).toBeGreaterThan(1.5 * thin);
    await view.click("Eraser");
    await view.stroke();
    expect(await view.ink()).toBeLessThan(0.2 * thick); // some is left at the soft edges
    await view.click("Brush");
    await view.stroke();
    await view.click("Clear");
    expect(await view.ink()).toBe(0);
    await view.page.close();
  });

  it("draws with the keyboard", async () => {
    const view = await open("run");
    await view.canvas.focus();
    await view.press("ArrowLeft", "ArrowLeft");
    expect(await view.ink()).toBe(0);
    await view.press(" ", "ArrowRight", "ArrowRight", " ", "ArrowDown", "ArrowDown");
    const drawing = await view.drawing();
    expect(drawing.slice(21, 28).map((value) => value > 127)).toEqual([false, true, true, true, false, false, false]);
    expect(Math.max(...drawing.slice(35))).toBe(0);
    await view.press("Control+z");
    expect(await view.ink()).toBe(0);
    for (const end of ["Control+z", "Delete"]) {
      await view.press(" ", "ArrowUp", end, "ArrowDown");
      expect(await view.ink()).toBe(0); // the brush is up
      await view.press(" ");
      expect(await view.ink()).toBeGreaterThan(0);
      await view.press(" ", "Delete");
    }
    await view.page.close();
  });

  it("draws in browsers without coalesced events", async () => {
    const view = await open("run");
    await view.page.evaluate("delete PointerEvent.prototype.getCoalescedEvents");
    await view.stroke();
    expect(await view.ink()).toBeGreaterThan(0);
    await view.page.close();
  });

  it("infers with the shown model only", async () => {
    const view = await open("run");
    const inferring: string[] = [];
    view.page.on("request", (request) => {
      const { call, run } = JSON.parse(request.postData() ?? "{}");
      if (call === "infer") inferring.push(run);
    });
    await view.stroke();
    await view.page.goto(`${explorer.url}#draw?run=${encodeURIComponent("runs/conditional")}`);
    await eventually(async () => inferring.at(-1)).toBe("runs/conditional");
    await settled(view.page);
    inferring.length = 0;
    await view.stroke();
    await settled(view.page);
    expect(new Set(inferring)).toEqual(new Set(["runs/conditional"]));
    await view.page.close();
  });

  it("has a canvas even if the test images cannot be read", async () => {
    const page = await explorer.blank();
    await page.route("**/model", (route) => {
      const isFailing = route.request().postDataJSON().call === "testImages";
      return isFailing ? route.fulfill({ status: 500, json: { error: "No images." } }) : route.continue();
    });
    await page.goto(`${explorer.url}#draw?run=run`);
    const view = new DrawPage(page);
    await view.stroke();
    expect(await view.ink()).toBeGreaterThan(0);
    await page.getByRole("alert").filter({ hasText: "No images." }).waitFor();
    await page.close();
    explorer.problems.splice(0); // the browser logs the failed request
  });

  it("draws with touch without scrolling, and with a pen by its pressure", async () => {
    const view = await open("run", { hasTouch: true, width: 360, height: 740 });
    await view.canvas.scrollIntoViewIfNeeded();
    const before = await view.page.evaluate("scrollY");
    await view.swipe();
    const column = (await view.drawing()).filter((_, i) => i % 7 === 3);
    expect(column.slice(2, 6)).toEqual([255, 255, 255, 255]);
    expect((await view.drawing())[0]).toBe(0); // the other finger draws nothing
    expect(await view.page.evaluate("scrollY")).toBe(before);
    const dab = async (pressure: number) => {
      await view.click("Clear");
      await view.dab(pressure);
      return view.ink();
    };
    expect(await dab(1)).toBeGreaterThan(1.5 * (await dab(0.1)));
    expect(await overflowOf(view.page)).toBe(0);
    await view.page.close();
  });

  it("draws upon a test image, and on image files that are chosen, dropped or pasted", async () => {
    const { test } = await model.loadData();
    const images = test.pixels.read(Uint32Array.of(3, 5, 8));
    const image = (i: number) => images.subarray(49 * i, 49 * (i + 1));
    const png = (i: number) => encodePng({ width: 7, height: 7, channels: 1, pixels: image(i) });
    const view = await open("run");
    const shows = (i: number) => eventually(() => view.drawing()).toEqual(Array.from(image(i)));
    const before = await view.drawing();
    await view.page.getByRole("spinbutton", { name: "Test image" }).fill("3");
    await view.press("Enter");
    await shows(0);
    await settled(view.page);
    await view.click("Undo");
    expect(await view.drawing()).toEqual(before); // it was loaded once
    await view.click("Random");
    await eventually(() => view.drawing()).not.toEqual(before);
    const chooser = view.page.getByLabel("Open image…");
    await chooser.setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from(png(1)) });
    await shows(1);
    await view.give("drop", png(2));
    await shows(2);
    expect(await view.page.evaluate(DROP_BESIDE)).toBe("ignored");
    await view.give("paste", png(0));
    await shows(0);
    await chooser.setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("no image") });
    await eventually(() => view.page.getByRole("alert").innerText()).toMatch(/The file/);
    await shows(0);
    await view.page.close();
    explorer.problems.splice(0); // the browser logs the refused request
  });

  it("corrupts the input of a denoiser as much as its slider says", async () => {
    const view = await open("runs/denoiser");
    await view.stroke();
    await settled(view.page);
    const input = view.page.getByRole("img", { name: "Input of the encoder" });
    const drawing = await view.drawing();
    const kept = async () => {
      const noisy = await bytesOf(input);
      return drawing.filter((value, i) => value > 0 && noisy[i] === value).length;
    };
    await eventually(kept).toBeGreaterThan(0);
    expect(await kept()).toBeLessThan(drawing.filter((value) => value > 0).length);
    const strength = view.page.getByRole("slider", { name: "Noise (mask)" });
    expect(await strength.inputValue()).toBe("0.5");
    expect(await view.page.locator("output").count()).toBe(0); // screen readers would hear each of its changes
    await strength.press("End");
    await eventually(kept).toBe(0);
    await strength.press("Home");
    await eventually(() => input.count()).toBe(0);
    await view.page.close();
  });

  it("encodes and decodes as the chosen class of a conditional model", async () => {
    const view = await open("runs/conditional");
    await view.stroke();
    const conditional = await loadModel(at("runs/conditional"));
    const image = { data: Uint8Array.from(await view.drawing()), shape: [1, 7, 7] };
    for (const name of ["7", "2"]) {
      await view.click(name);
      const expected = asBytes(await conditional.reconstruct(image, { labels: [name] }));
      await eventually(() => view.reconstruction()).toEqual(expected);
    }
    await conditional.close();
    await view.page.close();
  });

  it("draws in colour on the background of the data", async () => {
    const view = await open("runs/colour");
    await view.page.getByLabel("Colour of the brush").fill("#c81e5a");
    await view.stroke();
    const drawing = await view.drawing(3);
    expect(drawing.slice(0, 3)).toEqual([255, 255, 255]);
    const pixels = Array.from({ length: 64 }, (_, i) => String(drawing.slice(3 * i, 3 * i + 3)));
    expect(pixels).toContain("200,30,90");
    await view.page.close();
  });
});
