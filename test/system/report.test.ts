// Reports in headless Chromium, from file:// and without a network.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { encodePng, loadModel } from "../../src/index.js";
import { overflowOf, pixelsOf, violationsOf } from "../browser/explorer.js";
import { array, copyTiny, weyl } from "../helpers.js";
import { vae } from "../vae.js";

const program = inject("browser");

/** Names of classes, which are folders. */
const HOSTILE = ["<!--<script>", `"'><img src=x onerror=alert(1)>`, "&lt;b&gt;\u202e"];

interface Image {
  readonly alt: string;
  readonly complete: boolean;
  readonly naturalWidth: number;
}

describe.skipIf(!program)("a report in a browser", () => {
  let home: string;
  let browser: Browser;
  const at = (...place: string[]) => path.join(home, ...place);

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "vae-report-"));
    copyTiny(home);
    browser = await chromium.launch({ executablePath: program as string, args: ["--no-sandbox"] });
    for (const name of HOSTILE) writeImages(at("photos", name));
    const train = async (run: string, flags: string) => {
      const given = `train --run ${run} --epochs 1 --batch-size 20 --quiet ${flags}`.split(" ");
      expect(await vae(given, home)).toMatchObject({ code: 0 });
      expect(await vae(["report", "--run", run], home)).toMatchObject({ code: 0, stdout: `${run}/report.html\n` });
    };
    expect(await vae(["report", "--run", "run"], home)).toMatchObject({ code: 0 });
    await train("conditional", "--dataset tiny --conditional --dim-z 5 --n-hidden 12 --set likelihood=logistic");
    await train("photos-run", "--dataset photos --size 8");
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(home, { recursive: true });
  });

  function writeImages(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < 12; i++) {
      const pixels = Uint8Array.from(weyl(8 * 8 * 3, 0, 255, 200 * i + folder.length));
      writeFileSync(path.join(folder, `${i}.png`), encodePng({ width: 8, height: 8, channels: 3, pixels }));
    }
  }

  /** Opens a report offline. `problems`: requests, violations of the policy, and errors. */
  async function open(run: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    await context.setOffline(true);
    const page = await context.newPage();
    const url = pathToFileURL(at(run, "report.html")).href;
    const problems: string[] = [];
    page.on("request", (request) => {
      if (request.url() !== url && !request.url().startsWith("data:")) problems.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", ({ message }) => problems.push(message));
    page.on("dialog", (dialog) => problems.push(dialog.message()));
    await context.addInitScript(
      "addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))",
    );
    page.setDefaultTimeout(20_000);
    await page.goto(url);
    return { page, problems };
  }

  /** Compares the image at the cursor with the library's. The canvas holds bytes, rounded. */
  async function expectDecoded(page: Page, run: string, ofClass?: string): Promise<number[]> {
    const z = (await page.locator("data").getAttribute("value"))?.split(" ").map(Number) ?? [];
    const { rgb } = await pixelsOf(page.locator(".report-decoded canvas"));
    await using model = await loadModel(at(run));
    const { data } = await model.decode(array(z, [1, z.length]), ofClass === undefined ? {} : { class: ofClass });
    const grey = rgb.filter((_, i) => i % 3 === 0);
    expect(grey).toHaveLength(data.length);
    expect(Math.max(...grey.map((byte, i) => Math.abs(byte - 255 * data[i])))).toBeLessThan(0.5 + 255e-3);
    return z;
  }

  /** Drags the cursor through the plane, from the middle to a corner. */
  async function drag(page: Page): Promise<void> {
    const plane = page.getByRole("application");
    await plane.scrollIntoViewIfNeeded();
    const box = await plane.boundingBox();
    if (!box) throw new Error("There is no plane");
    const { x, y, width, height } = box;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + 0.8 * width, y + 0.3 * height, { steps: 5 });
    await page.mouse.up();
  }

  it("decodes where the cursor is dragged, as the library does", async () => {
    const { page, problems } = await open("run");
    const first = await expectDecoded(page, "run");
    await drag(page);
    const second = await expectDecoded(page, "run");
    expect(second[0]).toBeGreaterThan(first[0]);
    expect(second[1]).toBeGreaterThan(first[1]);
    await page.getByRole("application").press("ArrowLeft");
    const third = await expectDecoded(page, "run");
    expect(third[0]).toBeLessThan(second[0]);
    expect(third[1]).toBeCloseTo(second[1], 6);
    expect(problems).toEqual([]);
  });

  it("decodes the chosen class in the plane of principal components", async () => {
    const { page, problems } = await open("conditional");
    await expectDecoded(page, "conditional", "0");
    expect(await page.evaluate("getComputedStyle(document.querySelector('.choice')).display")).toBe("flex");
    await page.getByRole("button", { name: "3", exact: true, pressed: false }).click();
    await drag(page);
    expect(await expectDecoded(page, "conditional", "3")).toHaveLength(5);
    expect(problems).toEqual([]);
  });

  it("shows the points of a model without a dense decoder, and hostile names as texts", async () => {
    const { page, problems } = await open("photos-run");
    expect(await page.locator("#plane .live-view canvas").count()).toBeGreaterThan(0);
    expect(await page.locator(".report-decoded").count()).toBe(0);
    const names = await page.locator(".class-legend button").allInnerTexts();
    expect(names.toSorted()).toEqual(HOSTILE.toSorted());
    expect(problems).toEqual([]);
  });

  it("shows the reconstructions of the chosen epoch, and copies the command", async () => {
    const { page, problems } = await open("run");
    const shown = () =>
      page.locator("#epochs img:visible").evaluateAll((images: Image[]) => images.map(({ alt }) => alt));
    expect(await shown()).toEqual(["Reconstructions after epoch 2"]);
    await page.getByRole("slider", { name: "Epoch of the reconstructions" }).press("ArrowLeft");
    expect(await shown()).toEqual(["Reconstructions after epoch 1"]);
    expect(await page.locator("#epoch").innerText()).toBe("1");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.clock.install({ time: 0 });
    await page.clock.pauseAt(1000); // the button keeps its text until the clock runs
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(copied).toBe(await page.locator("#command").innerText());
    expect(copied).toMatch(/^vae train .*--n-hidden 16/);
    await page.clock.runFor(2000);
    await page.getByRole("button", { name: "Copy", exact: true }).waitFor();
    expect(problems).toEqual([]);
  });

  it.each([
    [360, "light"],
    [1280, "dark"],
    [2560, "light"],
  ] as const)("is accessible and fits into %i pixels, %s", async (width, colorScheme) => {
    const { page } = await open("conditional", { viewport: { width, height: 900 }, colorScheme });
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.getByText(/^All \d+ settings/).click();
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.context().close();
  });

  it("has its numbers and pictures without scripts, and in print", async () => {
    const still = await open("run", { javaScriptEnabled: false });
    const { test } = JSON.parse(readFileSync(at("run", "test.json"), "utf8"));
    await still.page.getByText((-test.elbo).toFixed(2)).first().waitFor();
    const alts = [
      "Learning curves",
      "Test images",
      "Reconstructions after epoch 2",
      "Samples",
      "Images over",
      "The latents",
    ];
    const expectPictures = async (page: Page) => {
      for (const alt of alts) {
        const picture = page.locator(`img[alt^="${alt}"]`).first();
        expect(await picture.isVisible(), alt).toBe(true);
        expect(await picture.evaluate(({ complete, naturalWidth }: Image) => complete && naturalWidth > 0), alt).toBe(
          true,
        );
      }
    };
    await expectPictures(still.page);
    expect(still.problems).toEqual([]);
    const { page } = await open("run", { colorScheme: "dark" });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await expectPictures(page);
    expect(await page.locator("button:visible, input:visible").count()).toBe(0);
    const colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]";
    expect(await page.evaluate(colours)).toEqual(["rgb(255, 255, 255)", "rgb(27, 29, 32)"]);
  });

  it("is small", () => {
    expect(statSync(at("run", "report.html")).size).toBeLessThan(1e6);
  });
});
