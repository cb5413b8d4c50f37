// Users' own images from end to end: vae data, training, and other images as input of the model.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { range } from "../../src/data/pixels.js";
import { loadModel } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import { ENGINES } from "../helpers.js";
import { crop, find } from "../pictures/reading.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (command: string) => vae(command.split(" "), home);
const config = (name: string) => JSON.parse(readFileSync(at(name, "config.json"), "utf8"));
const SMALL = "--dim-z 2 --n-hidden 32 --batch-size 10 --threads 1";

/** Writes a picture of 16×12 pixels: red or green on the left, light on the right. */
async function picture(file: string, i: number, haze = 0): Promise<void> {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  const pixels = Buffer.alloc(16 * 12 * 3, 220);
  const [red, green] = i % 2 ? [200, 30] : [30, 200];
  for (let y = 0; y < 12; y++) {
    for (let x = 0; x < 4 + (i % 9); x++) pixels.set([red, green, 20 + (i % 5)], (y * 16 + x) * 3);
  }
  const image = pixels.map((byte) => Math.round(byte * (1 - haze) + 255 * haze));
  await sharp(image, { raw: { width: 16, height: 12, channels: 3 } })
    .png()
    .toFile(at(file));
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-data-"));
  for (let i = 0; i < 120; i++) {
    await picture(`photos/${i % 2 ? "red" : "green"}/${i}.png`, i);
    await picture(`clean/${i}.png`, i);
    await picture(`hazy/${i}.png`, i, 0.3 + 0.5 * ((i * 0.37) % 1));
  }
  writeFileSync(at("photos/red/broken.png"), "hello");
  await writeTinyMnist(at("digits"), 240, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

describe("vae data", () => {
  it("summarizes the images, lists the broken ones, and draws a contact sheet", async () => {
    const { code, stdout } = await run("data photos --size 8x6");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^120 images of 8×6 in colour: 94 to train, 9 to validate, 17 to test$/m);
    expect(stdout).toMatch(/^classes: green \(60\), red \(60\)$/m);
    expect(stdout).toMatch(
      /^1 unusable; vae train skips them with --skip-bad:\n {2}red\/broken.png: it is not an image/m,
    );
    const sheet = PNG.sync.read(readFileSync(at("photos-sheet.png")));
    expect(new Set([0, 1, 2].map((channel) => sheet.data[4 * (5 * sheet.width + 5) + channel])).size).toBeGreaterThan(
      1,
    );
  });

  it("--json prints one value and draws nothing", async () => {
    const { code, stdout } = await run("data digits --json");
    const { height, width, train, bad, classes } = JSON.parse(stdout);
    expect([code, height, width, train, bad, Object.keys(classes).length]).toEqual([0, 7, 7, 220, [], 10]);
    expect(existsSync(at("digits-sheet.png"))).toBe(false);
  });
});

describe("a training on a folder of images", () => {
  it.each(ENGINES.filter((name) => name === "compiled" || name === "wasm"))(
    "in colour, on engine %s",
    async (engine) => {
      const refused = await run(`train --dataset photos --size 8x6 ${SMALL} --run no`);
      expect(refused.stderr).toMatch(
        /^error: 1 of the 121 images in photos cannot be used: red\/broken.png \(.*--skip-bad/,
      );
      expect(refused.code).toBe(2);
      const name = `colour-${engine}`;
      const settings = `${SMALL} --epochs 16 --learning-rate 0.01 --keep-prob 1`;
      const command = `train --dataset photos --size 8x6 --skip-bad ${settings} --engine ${engine} --run ${name}`;
      const { code, stdout, stderr } = await run(command);
      expect([code, stderr]).toEqual([0, expect.stringContaining("1 image file skipped")]);
      expect(stdout).toContain("of colour pixels");
      expect(config(name).data).toMatchObject({ height: 6, width: 8, channels: 3, train: 94, validation: 9, test: 17 });
      // Reconstructions are red or green on the left, and light on the right.
      const shown = await run(
        `reconstruct --run ${name} --input photos/red/7.png photos/green/6.png --out ${name}.png`,
      );
      expect(shown.stderr).toBe("");
      expect(shown.stdout).toContain("mean over 2 pictures");
      const { width, height, data } = PNG.sync.read(readFileSync(at(`${name}.png`)));
      const reconstructions = [...Array(width * height).keys()].slice((width * height) / 2);
      const values = (channel: number) => reconstructions.map((i) => data[4 * i + channel]);
      const [red, green] = [values(0), values(1)];
      expect(red.some((value, i) => value > green[i] + 80)).toBe(true);
      expect(green.some((value, i) => value > red[i] + 80)).toBe(true);
      for (const view of [
        "sample --n 4",
        "latent",
        "manifold --size 3x3",
        "interpolate --from 0 --to 1",
        "encode --n 2",
      ]) {
        expect((await run(`${view} --run ${name}`)).code).toBe(0);
      }
      expect(readFileSync(at(name, "pictures/latent.svg"), "utf8")).toMatch(/>red<[\s\S]*|>green</);
      const again = await run(`train --resume ${name} --epochs 17`);
      expect(again.code).toBe(0);
    },
  );

  it("learns from pairs to remove a real corruption", async () => {
    const half = await run(`train --input-dir hazy ${SMALL} --run no`);
    expect([half.code, half.stderr]).toEqual([
      2,
      expect.stringContaining("--input-dir and --target-dir replace --dataset"),
    ]);
    const noisy = await run(`train --input-dir hazy --target-dir clean --noise ${SMALL} --run no`);
    expect([noisy.code, noisy.stderr]).toEqual([2, expect.stringContaining("Leave out --noise")]);
    const settings = `${SMALL} --epochs 20 --keep-prob 1 --learning-rate 0.01 --dim-z 4`;
    const command = `train --input-dir hazy --target-dir clean --size 8x6 ${settings} --run dehaze`;
    expect((await run(command)).code).toBe(0);
    const { stdout } = await run("reconstruct --run dehaze");
    const [, before, after] = /Squared error per pixel: (\S+) in the input, (\S+) in the output/.exec(stdout) ?? [];
    expect(Number(after)).toBeLessThan(0.5 * Number(before));
    const labelsIn = (name: string) => {
      const { width, height, data } = PNG.sync.read(readFileSync(at("dehaze/pictures", name)));
      const grey = {
        width,
        height,
        channels: 1,
        pixels: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]),
      };
      const left = crop(grey, 0, 0, 110, height);
      const found = ["input", "noisy", "target", "output"].map((label) => ({ label, places: find(left, label) }));
      const rows = found.flatMap(({ label, places }) => places.map(({ y }) => ({ label, y })));
      return rows.sort((a, b) => a.y - b.y).map(({ label }) => label);
    };
    expect(labelsIn("progress.png")).toEqual(["target", "input"]);
    expect(new Set(labelsIn("reconstructions-n17-seed0.png"))).toEqual(new Set(["target", "input", "output"]));
    const meanOf = (name: string) => {
      const { data } = PNG.sync.read(readFileSync(at("dehaze/pictures", name)));
      return data.reduce((sum, value) => sum + value, 0) / data.length;
    };
    expect(meanOf("inputs.png")).toBeGreaterThan(meanOf("targets.png")); // haze is lighter
    expect((await run("interpolate --run dehaze --from 0 --to 1 --steps 2 --out way.png")).code).toBe(0);
    const { inputs, pixels } = (await (await loadModel(at("dehaze"))).loadData()).test;
    expect(inputs && pixels).toBeDefined();
    const way = PNG.sync.read(readFileSync(at("way.png")));
    const corner = 4 * (2 * way.width + 2);
    expect([...way.data.subarray(corner, corner + 3)]).toEqual([
      ...(inputs as typeof pixels).read(range(0, 1)).subarray(0, 3),
    ]);
    expect((await run("train --resume dehaze")).code).toBe(0);
    expect((await run("evaluate --run dehaze --importance-samples 1")).code).toBe(0);
  });
});

describe("a training too large", () => {
  it("is refused before it allocates memory", async () => {
    const { code, stderr } = await run(`train --dataset photos --size 200 --skip-bad ${SMALL} --n-hidden 4096`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: .* parameters, more than 120,000,000\./)]);
  });
});

describe("the scale of the training", () => {
  it("is stored, and used for other arrays of the same type", async () => {
    const shades = Array.from({ length: 40 * 36 }, (_, i) => (i * 37) % 256);
    const save = (name: string, type: string, values: Uint8Array | Uint16Array) =>
      writeFileSync(at(name), npy(type, `(${values.length / 36}, 6, 6)`, new Uint8Array(values.buffer)));
    save(
      "deep.npy",
      "<u2",
      Uint16Array.from(shades, (shade) => 16 * shade),
    );
    await run(`train --dataset deep.npy ${SMALL} --epochs 1 --run deep`);
    expect(config("deep").data.scales).toMatchObject({ uint16: { black: 0, step: 16, floors: true } });
    save(
      "dark.npy",
      "<u2",
      Uint16Array.from(shades.slice(0, 720), (shade) => 2 * shade),
    );
    save(
      "bytes.npy",
      "|u1",
      Uint8Array.from(shades.slice(0, 720), (shade) => shade >> 3),
    );
    const dark = await run("encode --run deep --input dark.npy");
    expect(dark.stdout).toBe((await run("encode --run deep --input bytes.npy")).stdout);
    expect(dark.stderr).toContain("read as x // 16.");
    const other = await run("encode --run deep --dataset dark.npy --split train --n 1 --format csv");
    expect(other.stderr).toContain("read as x // 16.");
    expect((await run("train --resume deep --epochs 2")).code).toBe(0);
  });
});

describe("a part of the data", () => {
  it("is chosen by classes and by number, and stored in config.json", async () => {
    const command = `train --dataset digits --classes 0,1 --limit 40 ${SMALL} --epochs 1 --run part`;
    expect((await run(command)).stderr).toMatch(/: 37 images of \d+×\d+ to train, 3 to validate, /);
    expect(config("part").settings).toMatchObject({ classes: ["0", "1"], limit: 40, channels: "1" });
    const labels = (await run("encode --run part --split train")).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).label);
    expect([...new Set(labels)].sort()).toEqual([0, 1]);
  });

  it("differs from the whole data set, as vae evaluate notes", async () => {
    await run(`train --dataset digits ${SMALL} --epochs 1 --run whole`);
    const own = await run("evaluate --run whole --importance-samples 1 --json");
    expect(JSON.parse(own.stdout)).toMatchObject({ isOwnData: true, images: 60 });
    expect(own.stderr).not.toContain("not the data set");
    const other = await run("evaluate --run whole --importance-samples 1 --dataset clean");
    expect(other.code).toBe(0);
    expect(other.stderr).toMatch(/This is not the data set that the model was trained on: clean\./);
    const wrong = await run("evaluate --run whole --dataset mnist");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("mnist has images of 28×28")]);
  });
});

describe("vae reconstruct --input", () => {
  it("takes pictures of any size, inverts them on request, and names unusable files", async () => {
    await run(`train --dataset digits ${SMALL} --epochs 1 --run small`);
    const plain = await run("reconstruct --run small --input clean/0.png --out plain.png");
    const inverted = await run("reconstruct --run small --input clean/0.png --invert --out inverted.png");
    expect([plain.code, inverted.code]).toEqual([0, 0]);
    const first = (file: string) => {
      const { width, data } = PNG.sync.read(readFileSync(at(file)));
      return data[4 * (20 * width + width - 10)];
    };
    expect(Math.abs(first("plain.png") + first("inverted.png") - 255)).toBeLessThanOrEqual(1);
    for (const [command, problem] of [
      ["--input photos/red/broken.png", "broken.png cannot be used: it is not an image"],
      ["--input nowhere.png", "There is no file nowhere.png."],
      ["--input photos", "photos is a folder"],
      ["--invert", "--invert needs --input"],
      ["--run dehaze --noise", "are corrupted already"],
      ["--input clean/0.png --n 3", "cannot be used with option '--n"],
    ]) {
      const { code, stderr } = await run(`reconstruct ${command.includes("--run") ? "" : "--run small "}${command}`);
      expect(stderr).toContain(problem);
      expect([code, stderr.trim().split("\n")]).toEqual([2, [expect.stringMatching(/^error: /)]]);
    }
  });
});
