// The Plane view of `vae explore` in a browser. Compares decoded pixels and inferred numbers with the library's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import {
  countPixels,
  Explorer,
  overflowOf,
  type PageOptions,
  pixelsOf,
  trainTinyRuns,
  violationsOf,
} from "../browser/explorer.js";
import {
  encodeTest,
  expectDecoded,
  expectGrey,
  floatsOf,
  nearestTo,
  Plane,
  shown,
  withModel,
} from "../browser/plane-page.js";

const browser = inject("browser");

const RUNS: Readonly<Record<string, string>> = {
  "runs/ae": "--model ae",
  "runs/conditional": "--conditional",
  "runs/deep": "--dim-z 5",
  "runs/line": "--dim-z 1",
};

let home: string;
let explorer: Explorer;

const at = (run: string) => path.join(home, run);
const open = (run: string, options?: PageOptions, query?: string) => Plane.open(explorer, run, options, query);

beforeAll(async () => {
  if (!browser) return;
  home = mkdtempSync(path.join(tmpdir(), "vae-page-"));
  await trainTinyRuns(home, RUNS);
  explorer = await Explorer.start(browser, home);
});
afterAll(async () => {
  await explorer?.close();
  if (home) rmSync(home, { recursive: true });
});

describe.skipIf(!browser)("the plane of vae explore", () => {
  beforeEach(() => {
    explorer.problems.length = 0;
    return () => expect(explorer.problems).toEqual([]);
  });

  it("decodes where the pointer drags, with the same unit on both axes", async () => {
    const plane = await open("runs/vae");
    expect(await plane.settled()).toEqual([0, 0]);
    await expectDecoded(plane, at("runs/vae"), [0, 0]);
    const centre = await plane.drag(5, 0);
    const right = await plane.drag(105, 0);
    const up = await plane.drag(5, -100);
    const unit = right[0] - centre[0];
    expect(unit).toBeGreaterThan(0);
    expect(right[1]).toBeCloseTo(centre[1], 5);
    expect([up[0] - centre[0], up[1] - centre[1]]).toEqual([expect.closeTo(0, 5), expect.closeTo(unit, 4)]);
    await expectDecoded(plane, at("runs/vae"), up);
    await expect(plane.part("Decoded image").textContent()).resolves.toContain(
      `z1 = ${shown(up[0])}, z2 = ${shown(up[1])}`,
    );
    await plane.page.getByRole("button", { name: "Zoom in" }).click();
    const [middle, near] = [await plane.drag(5, 0), await plane.drag(105, 0)];
    expect(near[0] - middle[0]).toBeCloseTo(unit / 1.5, 4);
    await plane.page.getByRole("button", { name: "Show all points" }).click();
    expect((await plane.drag(105, 0))[0]).toBeCloseTo(right[0], 4);
    await plane.page.mouse.wheel(0, 300);
    expect((await plane.drag(105, 0))[0] - (await plane.drag(5, 0))[0]).toBeGreaterThan(unit);
    await plane.page.close();
  });

  it("decodes all the time during a drag, and the last place at the end", async () => {
    const plane = await open("runs/vae");
    const [x, y] = await plane.pixel(0.5, 0.5);
    const before = (await plane.decoded()).length;
    await plane.page.mouse.move(x, y);
    await plane.page.mouse.down();
    for (let i = 0; (await plane.decoded()).length < before + 100; i++) {
      await plane.page.mouse.move(x + 120 * Math.cos(i / 20), y + 120 * Math.sin(i / 20));
    }
    await plane.page.mouse.move(x + 100, y);
    await plane.page.mouse.up();
    const last = await plane.settled();
    await expectDecoded(plane, at("runs/vae"), last);
    expect(last).toEqual((await plane.drag(100, 0)).map((value) => expect.closeTo(value, 5)));
    await plane.page.close();
  });

  it("moves the cursor with keys, says where it is, and selects with Enter", async () => {
    const plane = await open("runs/vae");
    await plane.plot.focus();
    await plane.page.keyboard.press("ArrowRight");
    const [step, zero] = await plane.settled();
    expect(step).toBeGreaterThan(0);
    expect(zero).toBe(0);
    await plane.page.keyboard.press("Shift+ArrowUp");
    expect(await plane.settled()).toEqual([expect.closeTo(step, 5), expect.closeTo(5 * step, 5)]);
    await plane.page
      .getByRole("status")
      .filter({ hasText: `z1 = ${shown(step)}, z2 = ${shown(5 * step)}, nearest test image: class` })
      .waitFor();
    for (let i = 0; i < 30; i++) await plane.page.keyboard.press("Shift+ArrowRight"); // beyond the plot, which follows
    const far = await plane.settled();
    expect(far[0]).toBeCloseTo(151 * step, 4);
    await expectDecoded(plane, at("runs/vae"), far);
    await plane.page.keyboard.press("Enter");
    await expect.poll(() => plane.index.inputValue()).toMatch(/^\d+$/);
    const { means } = await encodeTest(at("runs/vae"));
    const nearest = nearestTo(means, far);
    await expect.poll(() => plane.index.inputValue()).toBe(`${nearest[0]}`);
    await plane.page.close();
  });

  it("selects a test image: images, numbers and neighbours are the library's", async () => {
    const plane = await open("runs/vae");
    const { means, sigmas, pixels, labels } = await encodeTest(at("runs/vae"));
    await plane.select(7);
    const z = await plane.settled();
    expect(z).toEqual(means[7].map((value) => expect.closeTo(value, 4)));
    const panel = plane.part("Test image");
    const canvas = (name: string) => panel.getByRole("img", { name, exact: true });
    expectGrey(await pixelsOf(canvas("Image")), pixels[7], 0.6);
    const { data } = await withModel(at("runs/vae"), (model) => model.decode([means[7]]));
    expectGrey(await pixelsOf(canvas("Reconstruction")), data, 1);
    const kl = means[7].reduce(
      (sum, mean, d) => sum + (mean ** 2 + sigmas[7][d] ** 2 - 1) / 2 - Math.log(sigmas[7][d]),
      0,
    );
    const text = (await panel.textContent()) as string;
    expect(text).toContain(`Label${labels[7]}`);
    const [elbo, reconstruction, shownKl] = ["−ELBO", "Reconstruction", "KL"].map((name) =>
      Number(new RegExp(`${name}([−\\d.]+) nats`).exec(text)?.[1].replace("−", "-")),
    );
    expect(shownKl).toBeCloseTo(kl, 1);
    expect(elbo).toBeCloseTo(shownKl - reconstruction, 1);
    const neighbours = panel.getByRole("listitem").getByRole("button");
    const expected = nearestTo(means, means[7]).slice(1, 9);
    const names = await Promise.all(
      (await neighbours.getByRole("img").all()).map((each) => each.getAttribute("aria-label")),
    );
    expect(names).toEqual(expected.map((i) => `Test image ${i} ${labels[i]}`));
    expectGrey(await pixelsOf(neighbours.nth(2).locator("canvas")), pixels[expected[2]], 0.6);
    await neighbours.nth(2).click();
    await expect.poll(() => plane.index.inputValue()).toBe(`${expected[2]}`);
    await panel.getByRole("button", { name: "Next test image" }).click();
    await panel.getByRole("button", { name: "Next test image" }).click();
    await panel.getByRole("button", { name: "Previous test image" }).click();
    await expect.poll(() => plane.index.inputValue()).toBe(`${expected[2] + 1}`);
    await plane.page.close();
  });

  it("never shows the inference of another test image", async () => {
    const plane = await open("runs/vae");
    await plane.select(7);
    await plane.page.route("**/model", (route) =>
      route.request().postDataJSON().call === "inferTest" ? route.abort() : route.continue(),
    );
    await plane.index.fill("8");
    await plane.index.press("Enter");
    const problem = plane.page.getByRole("alert").filter({ hasText: "vae explore has ended" });
    await problem.waitFor();
    await expect.poll(() => plane.part("Test image").textContent()).not.toContain("ELBO");
    await plane.drag(40, 40);
    expect(await problem.count()).toBe(1); // other calls succeed
    await plane.page.unroute("**/model");
    await plane.select(9);
    await expect.poll(() => problem.count()).toBe(0);
    await plane.page.close();
    expect(explorer.problems.splice(0).every((line) => line.includes("ERR_FAILED"))).toBe(true);
  });

  it("selects the point that is clicked, not one of a hidden class", async () => {
    const plane = await open("runs/vae");
    const { means, labels } = await encodeTest(at("runs/vae"));
    const [x, y] = await plane.pixel(0.5, 0.5);
    const centre = await plane.drag(5, 0);
    const unit = (await plane.drag(105, 0))[0] - centre[0];
    const placeOf = (i: number): [number, number] => [
      x + 5 + (100 * (means[i][0] - centre[0])) / unit,
      y - (100 * (means[i][1] - centre[1])) / unit,
    ];
    // A point far from all others and from the buttons, so that the click is on no other.
    const gap = (i: number) => Math.hypot(...means[nearestTo(means, means[i])[1]].map((v, d) => v - means[i][d]));
    const [, top] = await plane.pixel(0, 0);
    const free = [...means.keys()].filter((i) => placeOf(i)[1] > top + 60);
    const lonely = free.reduce((best, i) => (gap(i) > gap(best) ? i : best));
    expect((100 * gap(lonely)) / unit).toBeGreaterThan(15);
    const place = placeOf(lonely);
    const legend = plane.page.getByRole("group", { name: "Classes shown" });
    await legend.getByRole("button", { name: `${labels[lonely]}`, exact: true }).click();
    await plane.page.mouse.click(...place);
    await plane.settled();
    expect(await plane.index.inputValue()).toBe("");
    await legend.getByRole("button", { name: "Show all" }).click();
    await plane.page.mouse.click(...place);
    await expect.poll(() => plane.index.inputValue()).toBe(`${lonely}`);
    await plane.page.close();
  });

  it("hides classes, and draws the decoded images behind the points", async () => {
    const plane = await open("runs/vae");
    const canvas = plane.page.locator(".uplot canvas");
    const legend = plane.page.getByRole("group", { name: "Classes shown" });
    const coloured = async () => {
      await plane.page.mouse.move(0, 0);
      await plane.settled();
      return (await countPixels(canvas)).coloured;
    };
    const all = await coloured();
    await legend.getByRole("button", { name: "1", exact: true }).click();
    await plane.plot.focus();
    const some = await coloured();
    expect(some).toBeLessThan(all);
    expect(some).toBeGreaterThan(0);
    await legend.getByRole("button", { name: "Show all" }).click();
    await plane.plot.focus();
    expect(await coloured()).toBe(all);
    expect((await countPixels(canvas)).opaque).toBeLessThan(0.3 * (await countPixels(canvas)).all);
    const grid = plane.page.waitForRequest((request) => /"shape":\[\d{2,},2\]/.test(request.postData() ?? ""));
    await plane.page.getByLabel("Manifold").check();
    const { z } = (await grid).postDataJSON();
    expect(z.shape[0]).toBeLessThanOrEqual(1024);
    const opaque = () => countPixels(canvas).then(({ opaque, all }) => opaque / all);
    await expect.poll(opaque).toBeGreaterThan(0.8); // all but the axes
    const { means } = await encodeTest(at("runs/vae"));
    const across = (points: readonly number[]) => [Math.min(...points), Math.max(...points)];
    const [low, high] = across(floatsOf(z.base64).filter((_, i) => i % 2 === 0));
    const [least, most] = across(means.map(([first]) => first));
    expect(low).toBeLessThan(least);
    expect(high).toBeGreaterThan(most);
    await plane.page.close();
  });

  it.each(["no-preference", "reduce"] as const)(
    "moves on the path between two points (motion: %s)",
    async (reducedMotion) => {
      const plane = await open("runs/vae", { reducedMotion });
      const path = plane.part("Path");
      const ends: number[][] = [];
      for (const [index, name] of [
        [3, "Set A here"],
        [60, "Set B here"],
      ] as const) {
        await plane.select(index);
        ends.push(await plane.settled());
        await path.getByRole("button", { name }).click();
      }
      const between = (share: number) => ends[0].map((a, d) => expect.closeTo(a + share * (ends[1][d] - a), 4));
      await path.getByRole("slider").fill("0.25");
      expect(await plane.settled()).toEqual(between(0.25));
      if (reducedMotion === "reduce") {
        await path.getByRole("button", { name: "Step" }).click();
        expect(await plane.settled()).toEqual(between(0.375));
      } else {
        const before = (await plane.decoded()).length;
        await path.getByRole("button", { name: "Play" }).click();
        await expect.poll(async () => (await plane.decoded()).length).toBeGreaterThan(before + 10);
        await path.getByRole("button", { name: "Pause" }).click();
        await plane.settled();
        const played = (await plane.decoded()).slice(before);
        const shares = played.map(([first]) => (first - ends[0][0]) / (ends[1][0] - ends[0][0]));
        expect(Math.max(...shares)).toBeGreaterThan(0.26);
        played.forEach((z, i) => {
          expect(shares[i]).toBeGreaterThan(-0.001);
          expect(shares[i]).toBeLessThan(1.001);
          expect(z).toEqual(between(shares[i]));
        });
        for (let i = 0; i < 5; i++) await plane.settled(); // some frames, which would play on
        expect(await plane.decoded()).toHaveLength(before + played.length);
      }
      await plane.page.close();
    },
  );

  it("decodes a conditional model as the chosen class", async () => {
    const plane = await open("runs/conditional");
    const { labels } = await encodeTest(at("runs/conditional"));
    for (const name of ["3", "5"]) {
      await plane.part("Decoded image").getByRole("button", { name, exact: true }).click();
      await expectDecoded(plane, at("runs/conditional"), await plane.settled(), name);
    }
    await plane.select(4);
    await expectDecoded(plane, at("runs/conditional"), await plane.settled(), `${labels[4]}`);
    await plane.page.close();
  });

  it("shows a plain autoencoder without prior, bound and ellipse", async () => {
    const plane = await open("runs/ae");
    const { means } = await encodeTest(at("runs/ae"));
    const start = means[0].map((_, d) => means.reduce((sum, mean) => sum + mean[d], 0) / means.length);
    expect(await plane.settled()).toEqual(start.map((value) => expect.closeTo(value, 3)));
    await plane.select(2);
    const text = await plane.part("Test image").textContent();
    expect(text).toContain("Reconstruction");
    expect(text).not.toMatch(/ELBO|KL/);
    await expectDecoded(plane, at("runs/ae"), await plane.settled());
    await plane.page.close();
  });

  it("shows one latent dimension as a strip, and any two of many", async () => {
    const strip = await open("runs/line");
    const right = await strip.drag(100, 30);
    expect(right).toHaveLength(1);
    await expectDecoded(strip, at("runs/line"), right);
    await strip.page.close();
    const plane = await open("runs/deep");
    await plane.select(11);
    const z = await plane.settled();
    const moved = await plane.drag(80, -60); // in the plane of the principal components: all dimensions move
    expect(moved.filter((value, d) => Math.abs(value - z[d]) > 1e-4)).toHaveLength(5);
    await plane.select(12);
    await plane.settled();
    await plane.page.getByLabel("Horizontal").selectOption("4");
    await plane.page.getByLabel("Vertical").selectOption("1");
    const before = await plane.drag(30, 0);
    const after = await plane.drag(90, 40);
    expect(after.map((value, d) => value === before[d])).toEqual([true, false, true, true, false]);
    await expectDecoded(plane, at("runs/deep"), after);
    await plane.page.close();
  });

  it("compares two models, which select the same test image", async () => {
    const plane = await open("runs/vae", {}, "&with=runs/ae");
    const sections = plane.page.locator("main section[aria-label^='runs/']");
    await plane.page.getByRole("application").nth(1).waitFor();
    const places = async () => (await sections.all()).map((each) => each.boundingBox());
    const [left, right] = await Promise.all(await places());
    expect([left?.y, (left?.x ?? 0) + (left?.width ?? 0)]).toEqual([right?.y, expect.closeTo((right?.x ?? 0) - 24, 0)]);
    await plane.select(9);
    await expect.poll(() => plane.page.getByLabel("Index of the test image").nth(1).inputValue()).toBe("9");
    await plane.page.setViewportSize({ width: 360, height: 800 });
    const [above, below] = await Promise.all(await places());
    expect(below?.y).toBeGreaterThan((above?.y ?? 0) + (above?.height ?? 0));
    await plane.page.getByLabel("Compare").selectOption("");
    await expect.poll(() => sections.count()).toBe(1);
    await plane.page.close();
  });

  it.each(["light", "dark"] as const)(
    "breaks no rule of accessibility and fits all widths (%s)",
    async (colorScheme) => {
      const plane = await open("runs/conditional", { colorScheme, reducedMotion: "reduce" });
      await plane.select(1);
      await plane.part("Path").getByRole("button", { name: "Set A here" }).click();
      await plane.part("Path").getByRole("button", { name: "Set B here" }).click();
      expect(await violationsOf(plane.page)).toEqual([]);
      const views = { Plane: plane.plot, Runs: plane.page.getByRole("table", { name: "Runs" }) };
      for (const [view, element] of Object.entries(views)) {
        await plane.page.getByRole("link", { name: view, exact: true }).click();
        await element.waitFor();
        for (const width of [360, 1280, 2560]) {
          await plane.page.setViewportSize({ width, height: 900 });
          await plane.settled();
          expect(await overflowOf(plane.page), `${view} at ${width}`).toBeLessThanOrEqual(0);
        }
      }
      expect(await violationsOf(plane.page)).toEqual([]);
      await plane.page.close();
    },
  );
});
