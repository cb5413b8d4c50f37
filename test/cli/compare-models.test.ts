// vae compare --pictures draws models side by side.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeNpy } from "../../src/formats/npy.js";
import { drawImages, encodePng, loadModel } from "../../src/index.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (command: string) => vae(command.split(" "), home);
const TRAIN = "train --quiet --threads 1 --n-hidden 8 --batch-size 10 --epochs 1";

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-compare-models-"));
  copyTiny(home);
  for (const [name, flags] of [
    ["ae", "--model ae --dim-z 2"],
    ["beta", "--beta 4 --dim-z 2"],
    ["wide", "--dim-z 3"],
    ["mixture", "--dim-z 2 --set prior=mixture"],
    ["classes", "--dim-z 2 --conditional"],
  ]) {
    const { code, stderr } = await run(`${TRAIN} --dataset tiny --run ${name} ${flags}`);
    if (code !== 0) throw new Error(stderr);
  }
  const data = Uint8Array.from({ length: 60 * 25 }, (_, i) => (i * 7) % 256);
  writeFileSync(at("small.npy"), encodeNpy({ data, shape: [60, 5, 5] }));
  expect((await run(`${TRAIN} --dataset small.npy --dim-z 2 --run small`)).code).toBe(0);
}, 120_000);
afterAll(() => rmSync(home, { recursive: true }));

/** The embedded pictures and the texts of an SVG file. */
function read(file: string) {
  const svg = readFileSync(at(file), "utf8");
  const images = [...svg.matchAll(/href="data:image\/png;base64,([^"]+)"/g)].map(([, data]) =>
    Buffer.from(data, "base64"),
  );
  return { svg, images, texts: [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text) };
}

it("draws each model with the same draws of z and between the same test images", async () => {
  const { code, stdout } = await run("compare run ae beta --pictures twins.svg");
  expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "twins.svg"]);
  const { images, texts, svg } = read("twins.svg");
  expect(images).toHaveLength(6);
  for (const [i, name] of ["run", "ae", "beta"].entries()) {
    expect(texts).toContain(name);
    const model = await loadModel(at(name));
    const { seed } = (await loadModel(at("run"))).config;
    expect(images[2 * i].equals(encodePng(drawImages(await model.sample(64, { seed }))))).toBe(true);
    const labels = [...((await model.loadData()).test.labels ?? [])];
    const pair = [0, 1].map((label) => labels.indexOf(label)) as [number, number];
    expect(texts).toContain(`From test image ${pair[0]} to ${pair[1]}, decoded between their latents`);
    const between = await model.pictures.interpolations([pair], 8);
    expect(images[2 * i + 1].equals(encodePng(between))).toBe(true);
  }
  expect(texts.filter((text) => text === "Samples: decoded draws from N(0, I)")).toHaveLength(3);
  expect(texts.filter((text) => /of the first \d+ test images$/.test(text))).toHaveLength(3);
  expect(texts.filter((text) => text.startsWith("Dashed circles: the prior N(0, I)"))).toHaveLength(2);
  expect(texts.some((text) => text.includes("model=ae"))).toBe(true);
  expect([svg.match(/<svg /g)?.length, svg.match(/<\/svg>/g)?.length]).toEqual([4, 4]);
});

it("draws models of different dimensions, priors and inputs", async () => {
  const { code, stderr } = await run("compare run wide mixture classes --pictures others.svg --json");
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  const { images, texts } = read("others.svg");
  expect(images).toHaveLength(8);
  for (const image of images) expect(PNG.sync.read(image).width).toBeGreaterThan(100);
  expect(texts.filter((text) => text === "Samples: decoded draws from the prior")).toHaveLength(1);
  expect(texts.filter((text) => text.startsWith("Dashed circles: the prior N(0, I)"))).toHaveLength(3);
  expect(texts.some((text) => text.startsWith("first principal component"))).toBe(true);
});

it("refuses images of different shapes, too many models, and a file of another type, and writes nothing", async () => {
  const shapes = await run("compare run small --pictures no.svg");
  expect([shapes.code, shapes.stdout]).toEqual([2, ""]);
  expect(shapes.stderr).toBe(
    "error: run has images of 7×7, and small of 5×5. Compare models of images of one shape.\n",
  );
  for (let i = 0; i < 9; i++) cpSync(at("run"), at("many", `${i}`), { recursive: true });
  expect((await run("compare many --pictures no.svg")).stderr).toContain("up to 8 models side by side, not 9");
  expect((await run("compare run ae --pictures no.png")).stderr).toContain("--pictures no.png: this picture is a .svg");
  expect(existsSync(at("no.svg"))).toBe(false);
});

it("notes that a model was trained on different images", async () => {
  cpSync(at("ae"), at("<b>&amp;"), { recursive: true });
  const file = at("<b>&amp;", "config.json");
  const config = readFileSync(file, "utf8").replace(/"sha256": ?"\w{4}/, `"sha256":"0000`);
  writeFileSync(file, config);
  const { code, stderr } = await vae(["compare", "run", "<b>&amp;", "--pictures", "odd.svg"], home);
  expect(code).toBe(0);
  expect(stderr).toContain("<b>&amp; was trained on other images than run. All models see the test images of run.");
  expect(read("odd.svg").texts).toContain("&#60;b&#62;&#38;amp;");
});
