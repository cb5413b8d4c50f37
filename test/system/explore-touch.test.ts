// The Plane view of `vae explore` on a touch screen, and by the keyboard alone. The library decodes the same places.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { Explorer, trainTinyRuns } from "../browser/explorer.js";
import { encodeTest, expectDecoded, nearestTo, Plane } from "../browser/plane-page.js";
import { type Finger, fingersOn } from "../browser/touch.js";

const browser = inject("browser");
const PHONE = { hasTouch: true, width: 360, height: 740 };

let home: string;
let explorer: Explorer;
const at = (run: string) => path.join(home, run);

beforeAll(async () => {
  if (!browser) return;
  home = mkdtempSync(path.join(tmpdir(), "vae-touch-"));
  await trainTinyRuns(home, { "runs/line": "--dim-z 1" });
  explorer = await Explorer.start(browser, home);
});
afterAll(async () => {
  await explorer?.close();
  if (home) rmSync(home, { recursive: true });
});
afterEach(() => {
  if (browser) expect(explorer.problems).toEqual([]);
});

/** Opens a run on a phone, with its plot in sight. `by`: a place in pixels from the centre of the plot. */
async function onPhone(run: string) {
  const plane = await Plane.open(explorer, run, PHONE);
  await plane.plot.evaluate((plot: unknown) =>
    (plot as { scrollIntoView(o: object): void }).scrollIntoView({ block: "center" }),
  );
  const [x, y] = await plane.pixel(0.5, 0.5);
  const touch = await fingersOn(plane.page);
  const by = (right: number, down: number): Finger => [x + right, y + down];
  const scrolled = () => plane.page.evaluate<number>("scrollY");
  return { plane, touch, by, scrolled };
}

const near = (z: readonly number[]) => z.map((value) => expect.closeTo(value, 4));

describe.skipIf(!browser)("the plane on a touch screen", () => {
  it.each(["runs/vae", "runs/line"])("decodes where a finger drags, without scrolling (%s)", async (run) => {
    const { plane, touch, by, scrolled } = await onPhone(run);
    const [start, before] = [await plane.settled(), await scrolled()];
    const mouse = await plane.drag(60, -40);
    expect(mouse).not.toEqual(near(start));
    await plane.drag(20, 10);
    await touch("touchStart", by(0, 0));
    for (let i = 1; i <= 5; i++) await touch("touchMove", by(12 * i, -8 * i));
    await touch("touchEnd");
    const z = await plane.settled();
    expect(z).toEqual(near(mouse));
    await expectDecoded(plane, at(run), z);
    expect(await scrolled()).toBe(before);
    await plane.page.close();
  });

  it("zooms and moves the view by two fingers: what was under them stays under them", async () => {
    const { plane, touch, by, scrolled } = await onPhone("runs/vae");
    const before = await scrolled();
    const start = [await plane.drag(-20, 30), await plane.drag(40, 30)];
    const count = (await plane.decoded()).length;
    await touch("touchStart", by(-20, 30));
    await touch("touchStart", by(-20, 30), by(40, 30));
    for (let i = 1; i <= 6; i++) await touch("touchMove", by(-20 - 10 * i, 30 - 5 * i), by(40 + 5 * i, 30 - 5 * i));
    await touch("touchMove", by(-80, 0), by(70, 0));
    await touch("touchEnd", by(-80, 0));
    await touch("touchMove", by(-40, 40)); // the finger that is left drags nothing
    await touch("touchEnd");
    await plane.settled();
    expect(await plane.decoded()).toHaveLength(count);
    expect(await plane.index.inputValue()).toBe("");
    expect(await plane.drag(-80, 0)).toEqual(near(start[0]));
    const right = await plane.drag(70, 0);
    expect(right).toEqual(near(start[1]));
    await expectDecoded(plane, at("runs/vae"), right);
    expect(await scrolled()).toBe(before);
    await plane.page.close();
  });

  it("selects the point nearest to a tap", async () => {
    const { plane, touch, by } = await onPhone("runs/vae");
    const { means } = await encodeTest(at("runs/vae"));
    const [here, there] = [await plane.drag(5, 0), await plane.drag(65, 0)];
    const unit = (there[0] - here[0]) / 60;
    const [chosen] = nearestTo(means, here);
    const pixels = means[chosen].map((value, d) => (value - here[d]) / unit);
    const tap = by(5 + Math.round(pixels[0]), -Math.round(pixels[1]));
    await touch("touchStart", tap);
    await touch("touchEnd");
    await expect.poll(() => plane.index.inputValue()).not.toBe("");
    const selected = Number(await plane.index.inputValue());
    const place = [here[0] + unit * (tap[0] - by(5, 0)[0]), here[1] - unit * (tap[1] - by(5, 0)[1])];
    const distance = (i: number) => Math.hypot(...means[i].map((value, d) => value - place[d]));
    expect(distance(selected)).toBeCloseTo(distance(nearestTo(means, place)[0]), 2);
    expect(await plane.settled()).toEqual(near(means[selected]));
    await plane.page.close();
  });
});

describe.skipIf(!browser)("the plane by the keyboard", () => {
  it("moves on a path between two places", async () => {
    const plane = await Plane.open(explorer, "runs/vae", { reducedMotion: "reduce" });
    const { keyboard } = plane.page;
    const press = async (...keys: string[]) => {
      for (const key of keys) await keyboard.press(key);
      return plane.settled();
    };
    /** Presses Tab until the focus is on an element with this text or label. */
    const tabTo = async (name: string) => {
      const focused = "(({ ariaLabel, textContent }) => ariaLabel ?? textContent)(document.activeElement)";
      for (let tabs = 0; tabs < 60; tabs++) {
        if ((await plane.page.evaluate<string>(focused)).startsWith(name)) return;
        await keyboard.press("Tab");
      }
      throw new Error(`Tab does not reach ${name}`);
    };
    await tabTo("Latent plane");
    const from = await press("Shift+ArrowLeft", "Shift+ArrowUp");
    await tabTo("Set A here");
    await press("Enter");
    await tabTo("Latent plane");
    const to = await press("Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown");
    expect(to).not.toEqual(near(from));
    await tabTo("Set B here");
    await press("Space");
    const between = (share: number) => near(from.map((a, d) => a + share * (to[d] - a)));
    await tabTo("From A to B");
    for (const [keys, share] of [
      [["Home"], 0],
      [["ArrowRight", "ArrowRight", "ArrowUp"], 0.03],
      [["End"], 1],
      [["ArrowLeft"], 0.99],
    ] as const) {
      const z = await press(...keys);
      expect(z).toEqual(between(share));
      await expectDecoded(plane, at("runs/vae"), z);
    }
    await press("Home");
    await plane.page.keyboard.press("Shift+Tab");
    const z = await press("Enter", "Enter");
    expect(z).toEqual(between(0.25));
    await expectDecoded(plane, at("runs/vae"), z);
    await plane.page.close();
  });
});
