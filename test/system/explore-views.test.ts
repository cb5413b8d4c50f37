// The views Sliders and Training of vae explore in a browser, on small trained runs and on a running training.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { type EpochReport, type LoadedModel, loadModel } from "../../src/index.js";
import { bytesOf } from "../browser/draw-page.js";
import { Explorer, overflowOf, type PageOptions, settled, violationsOf } from "../browser/explorer.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";
import { start, vae } from "../vae.js";

const browser = inject("browser");
const DIMENSIONS = 300;

let home: string;
let explorer: Explorer;
let model: LoadedModel;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  if (!browser) return;
  home = mkdtempSync(path.join(tmpdir(), "vae-views-"));
  copyTiny(home);
  const settings = `--dataset tiny --epochs 1 --n-hidden 16 --threads 1 --quiet --dim-z ${DIMENSIONS}`.split(" ");
  expect((await vae(["train", ...settings, "--run", "runs/wide"], home)).code).toBe(0);
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

const open = (view: string, run: string, options?: PageOptions) => explorer.open(`#${view}?run=${run}`, options);
/** Waits until what is read satisfies an expectation. */
const eventually = <Value>(read: () => Promise<Value>) => expect.poll(read, { timeout: 30_000 });
const asBytes = ({ data }: { readonly data: Float32Array }) => Array.from(data, (value) => Math.round(255 * value));
const minus = (text: string) => text.replaceAll("-", "−");

describe.skipIf(!browser)("Sliders", () => {
  const decoded = (page: Page) => bytesOf(page.getByRole("img", { name: "Decoded image", exact: true }));
  const slider = (page: Page, dimension: number) => page.getByRole("slider", { name: new RegExp(`^z${dimension},`) });
  const value = (page: Page, dimension: number) => page.getByRole("spinbutton", { name: `Value of z${dimension}` });
  const strip = (page: Page, dimension: number) =>
    page.getByRole("img", { name: `Images along z${dimension}`, exact: true });
  /** The bytes of the images that the library decodes from z. */
  const decode = async (...z: number[][]) =>
    asBytes(await model.decode({ data: Float32Array.from(z.flat()), shape: [z.length, 2] }));
  /** The images of a strip, one after the other. */
  const imagesOf = async (page: Page, dimension: number) => {
    const bytes = await bytesOf(strip(page, dimension));
    return Array.from({ length: 7 }, (_, i) => bytes.filter((_, k) => Math.floor((k % 49) / 7) === i)).flat();
  };

  it("decodes as the library what keys, clicks and typed numbers choose", async () => {
    const page = await open("sliders", "run");
    await value(page, 1).fill("1.5");
    await value(page, 2).fill("-0.25");
    await page.keyboard.press("Enter");
    await eventually(() => decoded(page)).toEqual(await decode([1.5, -0.25]));
    await slider(page, 2).press("ArrowRight");
    await eventually(() => decoded(page)).toEqual(await decode([1.5, -0.15]));
    await slider(page, 1).press("End");
    await slider(page, 1).press("ArrowRight"); // not beyond the end
    await eventually(() => decoded(page)).toEqual(await decode([3, -0.15]));
    const along = await decode(...[-3, -2, -1, 0, 1, 2, 3].map((z) => [3, z]));
    await eventually(() => imagesOf(page, 2)).toEqual(along);
    const { width = 0, height = 0 } = (await strip(page, 2).boundingBox()) ?? {};
    await strip(page, 2).click({ position: { x: width * 0.65, y: height / 2 } });
    await eventually(() => value(page, 2).inputValue()).toBe("1");
    await page.getByRole("link", { name: "Plane" }).click();
    await page.getByRole("application").waitFor();
    await page.getByRole("link", { name: "Sliders" }).click();
    expect(await value(page, 1).inputValue()).toBe("3");
    await page.getByRole("button", { name: "Reset to prior mean" }).click();
    await eventually(() => decoded(page)).toEqual(await decode([0, 0]));
    await page.close();
  });

  it("draws new samples of the prior", async () => {
    const page = await open("sliders", "run");
    for (const seed of [0, 1]) {
      await page.getByRole("button", { name: "New sample" }).click();
      await eventually(() => decoded(page)).toEqual(asBytes(await model.sample(1, { seed })));
    }
    await page.close();
  });

  it("shows hundreds of dimensions, the largest KL first, and decodes only the visible strips", async () => {
    const wide = await loadModel(at("runs/wide"));
    const { z, sigma } = await wide.encode((await wide.loadData()).test);
    await wide.close();
    const kl = new Float64Array(DIMENSIONS);
    z.data.forEach((mean, i) => {
      const s = sigma?.data[i] ?? 1;
      kl[i % DIMENSIONS] += (mean * mean + s * s - 1) / 2 - Math.log(s);
    });
    const page = await explorer.blank();
    let images = 0;
    page.on("request", (request) => {
      const { call, z } = JSON.parse(request.postData() ?? "{}");
      if (call === "decode") images += z.shape[0];
    });
    await page.goto(`${explorer.url}#sliders?run=${encodeURIComponent("runs/wide")}`);
    const items = page.getByRole("listitem").filter({ has: page.getByRole("slider") });
    await eventually(() => items.count()).toBe(40);
    const shown = (await items.allInnerTexts()).map((text) => Number(/z(\d+)/.exec(text)?.[1]) - 1);
    const sorted = Float64Array.from(kl).sort().reverse();
    shown.forEach((dimension, i) => {
      expect(kl[dimension]).toBeCloseTo(sorted[i], 3); // rounding decides the order of nearly equal ones
    });
    await eventually(() => bytesOf(strip(page, shown[0] + 1)).then((bytes) => Math.max(...bytes))).toBeGreaterThan(0);
    await settled(page);
    expect(images).toBeLessThan(7 * 40);
    await items.last().scrollIntoViewIfNeeded();
    await eventually(() => items.count()).toBeGreaterThan(40);
    await page.close();
  });

  it("adds sliders until the screen is full", async () => {
    const page = await open("sliders", "runs/wide", { height: 8000 });
    await eventually(() => page.getByRole("slider").count()).toBeGreaterThan(80);
    await page.close();
  });
});

describe.skipIf(!browser)("Training", () => {
  const picture = (page: Page, name: string) => page.getByRole("img", { name, exact: true });
  const epoch = (page: Page): Locator => page.getByRole("slider", { name: /^Epoch/ });
  const chart = (page: Page, title: string) => page.getByRole("slider", { name: `${title}, by epoch` });
  const valueAt = (page: Page, title: string) => chart(page, title).getAttribute("aria-valuetext");
  const stateOf = (page: Page) => page.getByRole("region", { name: "State" });

  it("shows the curves, numbers and pictures of a finished run", async () => {
    const reports: EpochReport[] = readFileSync(at("run/metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const page = await open("training", "run");
    await eventually(() => stateOf(page).innerText()).toMatch(/Finished\s+2 of 2 epochs/);
    await page.getByText("Table", { exact: true }).click();
    const rows = page.getByRole("region", { name: "Numbers of all epochs" }).getByRole("row");
    for (const { epoch, train, validation } of reports) {
      const numbers = [-train.elbo, -validation.elbo, train.reconstruction, validation.reconstruction, train.kl];
      const cells = [String(epoch), ...numbers.map((number) => minus(number.toFixed(2)))];
      expect((await rows.nth(epoch).innerText()).split(/\s+/).slice(0, 6)).toEqual(cells);
    }
    await eventually(() => valueAt(page, "KL")).toContain(`Epoch 2: Training ${reports[1].train.kl.toFixed(2)}`);
    await chart(page, "KL").hover({ position: { x: 60, y: 60 } });
    await eventually(() => valueAt(page, "−ELBO")).toContain("Epoch 1");
    for (const name of [
      "Test images",
      ...["Samples", "Reconstructions", "Manifold"].map((s) => `${s} after epoch 2`),
    ]) {
      const size = () => picture(page, name).evaluate((image) => (image as { naturalWidth?: number }).naturalWidth);
      await eventually(size).toBeGreaterThan(0);
    }
    await epoch(page).press("ArrowLeft");
    await picture(page, "Samples after epoch 1").waitFor();
    await page.getByRole("button", { name: "Newest" }).click();
    await picture(page, "Samples after epoch 2").waitFor();
    await chart(page, "KL").press("Home");
    await page.keyboard.press("Enter");
    await picture(page, "Reconstructions after epoch 1").waitFor();
    await page.getByRole("button", { name: "Play" }).click();
    await picture(page, "Samples after epoch 2").waitFor();
    await page.close();
  });

  it("shows gaps for numbers that an older version did not write", async () => {
    cpSync(at("run"), at("runs/old"), { recursive: true });
    const lines = readFileSync(at("run/metrics.jsonl"), "utf8").trim().split("\n");
    const { train: _, ...second } = JSON.parse(lines[1]);
    writeFileSync(at("runs/old/metrics.jsonl"), `${lines[0]}\n${JSON.stringify(second)}\n`);
    const page = await open("training", "runs/old");
    await eventually(() => valueAt(page, "−ELBO")).toMatch(/^Epoch 2: Training –, Validation \d/);
    await chart(page, "−ELBO").press("ArrowLeft");
    await eventually(() => valueAt(page, "−ELBO")).toMatch(/^Epoch 1: Training \d+\.\d\d, Validation \d+\.\d\d$/);
    expect(await page.getByRole("figure").filter({ hasText: "−objective" }).count()).toBe(0);
    await page.close();
  });

  it("hides and shows the lines of the charts", async () => {
    const page = await open("training", "run");
    const canvas = chart(page, "−ELBO").locator("canvas");
    const drawn = () => canvas.evaluate((element: unknown) => (element as { toDataURL(): string }).toDataURL());
    const numbers = async () => (await page.getByRole("figure").first().innerText()).match(/\d+\.\d\d/g)?.length;
    const legend = page.getByRole("button", { name: "Validation" });
    await legend.waitFor();
    await settled(page);
    const both = await drawn();
    expect(await numbers()).toBe(2);
    await legend.click();
    await eventually(drawn).not.toBe(both);
    expect(await numbers()).toBe(1);
    await legend.click();
    await eventually(drawn).toBe(both);
    await page.close();
  });

  it("follows a training of another process, epoch by epoch, until it stops", async () => {
    await writeTinyMnist(at("many"), 6000, 120);
    const settings = "--n-hidden 16 --batch-size 20 --epochs 1000000 --threads 1 --quiet --run runs/live".split(" ");
    const { child, outcome } = start(["train", "--dataset", "many", ...settings], home);
    onTestFinished(() => {
      child.kill();
    });
    await eventually(async () => existsSync(at("runs/live/config.json"))).toBe(true);
    const page = await open("training", "runs/live");
    const done = async () => Number(/Training\s+(\d+) of 1000000/.exec(await stateOf(page).innerText())?.[1]);
    const moreThan = async (epochs: number) => {
      await eventually(done).toBeGreaterThan(epochs);
      return done();
    };
    await moreThan(await moreThan(0));
    const latents = page.getByRole("img", { name: /Posterior means of the test images/ });
    await latents.waitFor();
    const epochOfLatents = async () => Number(/\d+$/.exec((await latents.getAttribute("aria-label")) ?? "")?.[0]);
    const first = await epochOfLatents();
    const ends = await epoch(page).evaluate((slider) => {
      const { value, max } = slider as unknown as { readonly value: string; readonly max: string };
      return [value, max];
    });
    expect(ends[0]).toBe(ends[1]);
    await eventually(epochOfLatents).toBeGreaterThan(first);
    await epoch(page).press("Home");
    await picture(page, "Samples after epoch 1").waitFor();
    await eventually(epochOfLatents).toBeLessThanOrEqual(first);
    await moreThan(await done());
    expect(await epoch(page).inputValue()).toBe("1");
    child.kill("SIGINT");
    await outcome;
    await eventually(() => stateOf(page).innerText()).toContain("Stopped");
    await page.close();
  });
});

describe.skipIf(!browser)("on small and large screens, light and dark", () => {
  it.each(["draw", "sliders", "training"])("%s has no serious violation of accessibility", async (view) => {
    for (const [width, colorScheme] of [
      [360, "light"],
      [1280, "dark"],
    ] as const) {
      const page = await open(view, "run", { width, colorScheme, reducedMotion: "reduce" });
      await page.getByRole("slider").first().waitFor();
      await settled(page);
      expect(await violationsOf(page)).toEqual([]);
      expect(await overflowOf(page)).toBe(0);
      await page.close();
    }
  });
});
