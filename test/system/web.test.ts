// examples/web in a real browser. Compares its canvas with the decoder's outputs in onnxruntime-node.
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { Page } from "../browser/devtools.js";
import { idx, writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny, weyl } from "../helpers.js";
import { startProgram, vae } from "../vae.js";

const chromium = inject("chromium");
const WEB = "examples/web";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-web-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Copies the example to a new folder, exports a run into it, and serves it. */
async function serve(run?: string) {
  const folder = mkdtempSync(at("web-"));
  for (const file of ["index.html", "page.js", "serve.js", "package.json"]) {
    cpSync(path.join(WEB, file), path.join(folder, file));
  }
  symlinkSync(path.resolve(WEB, "node_modules"), path.join(folder, "node_modules"), "junction");
  if (run) expect(await vae(["export", "--run", run, "--out", folder], home)).toMatchObject({ code: 0, stderr: "" });
  const { child } = startProgram([process.execPath, "serve.js"], folder, { PORT: "0" });
  const [line] = await once(child.stdout, "data");
  expect(line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
  return { url: String(line).trim(), folder, stop: () => child.kill() };
}

/** The decoder's output in onnxruntime-node, as bytes of red, green and blue. */
async function decode(folder: string, z: readonly number[], label?: readonly number[]) {
  const session = await InferenceSession.create(path.join(folder, "decoder.onnx"));
  const { pixels } = await session.run({
    z: new Tensor("float32", Float32Array.from(z), [1, z.length]),
    ...(label && { label: new Tensor("float32", Float32Array.from(label), [1, label.length]) }),
  });
  await session.release();
  return Array.from(pixels.data as Float32Array, (value) => 255 * Math.min(1, Math.max(0, value)));
}

describe.skipIf(!chromium)("the web example", () => {
  let page: Page;
  let stop: (() => void) | undefined;
  beforeEach(async () => {
    page = await Page.open(chromium as string);
  });
  afterEach(async () => {
    await page.close();
    stop?.();
    stop = undefined;
  });

  /** Serves a run, and opens its page. */
  async function open(run?: string) {
    const served = await serve(run);
    stop = served.stop;
    await page.goTo(served.url);
    await page.until("document.querySelector('#status')?.textContent.startsWith('Loading') === false");
    return served.folder;
  }
  const status = () => page.evaluate<string>("document.querySelector('#status').textContent");

  /** Waits until the canvas has this label. @returns its size, and its bytes of red, green and blue */
  async function drawn(label: string) {
    const canvas = "document.querySelector('canvas')";
    await page.until(`${canvas}?.getAttribute("aria-label") === ${JSON.stringify(label)}`);
    const [width, height, data] = await page.evaluate<[number, number, number[]]>(
      `(({ width, height }) => {
        const { data } = ${canvas}.getContext("2d").getImageData(0, 0, width, height);
        return [width, height, [...data]];
      })(${canvas})`,
    );
    expect(data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
    return { width, height, rgb: data.filter((_, i) => i % 4 < 3) };
  }
  const expectClose = (actual: readonly number[], expected: readonly number[]) => {
    expect(actual).toHaveLength(expected.length);
    expect(Math.max(...actual.map((byte, i) => Math.abs(byte - expected[i])))).toBeLessThanOrEqual(1);
  };
  const threefold = (grey: readonly number[]) => grey.flatMap((value) => [value, value, value]);

  it("draws the decoder's output, by keyboard and by mouse", async () => {
    const folder = await open("run");
    expect(await status()).toBe("Move the sliders: the decoder draws the image of each place.");
    const images: number[][] = [];
    const compare = async (label: string, z: [number, number]) => {
      const { width, height, rgb } = await drawn(label);
      expect([width, height]).toEqual([7, 7]);
      expectClose(rgb, threefold(await decode(folder, z)));
      images.push(rgb);
    };
    await compare("The image at z1 = 0.00, z2 = 0.00", [0, 0]);
    await page.press("Tab");
    for (let i = 0; i < 3; i++) await page.press("ArrowRight");
    await compare("The image at z1 = 0.15, z2 = 0.00", [0.15, 0]);
    await page.press("End");
    await page.press("Tab");
    await page.press("Home");
    await page.press("Enter"); // changes nothing
    await compare("The image at z1 = 3.00, z2 = −3.00", [3, -3]);
    expect(await page.evaluate("[...document.querySelectorAll('output')].map(({ value }) => value)")).toEqual([
      "3.00",
      "−3.00",
    ]);
    const { left, right, y } = await page.evaluate<{ left: number; right: number; y: number }>(
      "(({ left, right, top, bottom }) => ({ left, right, y: (top + bottom) / 2 }))(z1.getBoundingClientRect())",
    );
    await page.drag([right - 10, y], [left, y]);
    await compare("The image at z1 = −3.00, z2 = −3.00", [-3, -3]);
    for (const [i, image] of images.entries()) {
      for (const other of images.slice(0, i)) expect(image).not.toEqual(other);
    }
  });

  it("draws colour images, and images that are not square", async () => {
    mkdirSync(at("colours"));
    for (const name of ["train", "t10k"]) {
      const bytes = weyl(60 * 4 * 6 * 3, 0, 256).map(Math.floor);
      writeFileSync(at("colours", `${name}-images-idx4-ubyte`), idx([60, 4, 6, 3], bytes));
    }
    const settings =
      "--network mlp --n-hidden 8 --dim-z 2 --epochs 1 --batch-size 20 --set likelihood=gaussian --quiet";
    const args = ["train", "--dataset", "colours", "--run", "coloured", ...settings.split(" ")];
    expect(await vae(args, home)).toMatchObject({ code: 0, stderr: "" });
    const folder = await open("coloured");
    const { width, height, rgb } = await drawn("The image at z1 = 0.00, z2 = 0.00");
    expect([width, height]).toEqual([6, 4]);
    expectClose(rgb, await decode(folder, [0, 0]));
  });

  it("offers the classes of a conditional model", async () => {
    await writeTinyMnist(at("digits"), 200, 40);
    const settings = "--conditional --n-hidden 8 --dim-z 2 --epochs 1 --batch-size 50 --quiet";
    const args = ["train", "--dataset", "digits", "--run", "conditional", ...settings.split(" ")];
    expect(await vae(args, home)).toMatchObject({ code: 0, stderr: "" });
    const folder = await open("conditional");
    const names = await page.evaluate<string[]>(
      "[...document.querySelector('select').options].map(({ text }) => text)",
    );
    expect(names.slice(0, 3)).toEqual(["0", "1", "2"]);
    for (const chosen of [0, 2]) {
      await page.evaluate(
        `{ const { options } = document.querySelector("select"); options[${chosen}].selected = true;
           document.querySelector("select").dispatchEvent(new Event("change")); }`,
      );
      const { rgb } = await drawn(`The image at z1 = 0.00, z2 = 0.00, class ${chosen}`);
      const label = names.map((_, i) => (i === chosen ? 1 : 0));
      expectClose(rgb, threefold(await decode(folder, [0, 0], label)));
    }
  });

  it("names missing files, and the model it needs", async () => {
    await open();
    expect(await status()).toBe(
      "decoder.onnx is missing. In the folder of this page: npx vae export --run RUN --out .",
    );
    stop?.();
    const folder = await open("run");
    rmSync(path.join(folder, "node_modules"));
    await page.evaluate("location.reload()");
    await page.until("document.querySelector('#status')?.textContent.includes('missing')");
    expect(await status()).toBe("onnxruntime-web is missing. In the folder of this page: npm install");
    stop?.();
    const args = "train --dataset tiny --run deep --n-hidden 8 --dim-z 3 --epochs 1 --batch-size 50 --quiet".split(" ");
    expect(await vae(args, home)).toMatchObject({ code: 0, stderr: "" });
    await open("deep");
    expect(await status()).toBe("decoder.onnx has 3 latent dimensions. This page shows two: vae train --dim-z 2");
  });

  it.each([
    [320, 640],
    [1280, 800],
  ])("fits into a window of %i by %i, light and dark, and labels its sliders", async (width, height) => {
    await open("run");
    const colours: string[] = [];
    for (const scheme of ["light", "dark"] as const) {
      await page.setWindow(width, height, scheme);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      const boxes = await page.evaluate<{ left: number; right: number; width: number; height: number }[]>(
        "[...document.querySelectorAll('canvas, input')].map((element) => element.getBoundingClientRect().toJSON())",
      );
      for (const box of boxes) {
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.right).toBeLessThanOrEqual(width);
        expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(24);
      }
      expect(boxes[0].width).toBeGreaterThan(200);
      colours.push(await page.evaluate("getComputedStyle(document.documentElement).color"));
    }
    expect(colours[0]).not.toBe(colours[1]);
    const names = "[...document.querySelectorAll('input')].map(({ labels }) => labels[0].textContent)";
    expect(await page.evaluate(names)).toEqual(["z1", "z2"]);
  });
});

it("serve.js serves only its folder, and refuses a port in one line", async () => {
  const { url, stop } = await serve();
  const { port } = new URL(url);
  /** Sends a raw request, as fetch would normalize its path. */
  const get = async (target: string) => {
    const socket = createConnection(Number(port), "127.0.0.1");
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return (await text(socket)).split(" ")[1];
  };
  writeFileSync(at("secret.txt"), "a secret");
  for (const target of ["/", "/index.html?x", "/page.js"]) expect(await get(target), target).toBe("200");
  for (const target of ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%", "/%00", "/none", "//"]) {
    expect(await get(target), target).toBe(target === "//" ? "200" : "404");
  }
  const refused = await startProgram([process.execPath, "serve.js"], path.resolve(WEB), { PORT: "x" }).outcome;
  expect(refused).toEqual({ code: 1, stdout: "", stderr: "error: PORT must be from 0 to 65535, not x.\n" });
  const taken = await startProgram([process.execPath, "serve.js"], path.resolve(WEB), { PORT: port }).outcome;
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(/^error: .*EADDRINUSE.*\n$/);
  stop();
});
