// Pictures of a trained model's latent space, on a small data set.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { datasets } from "../../src/index.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const run = (...args: string[]) => vae(args, home);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-views-"));
  copyTiny(home);
  renameSync(path.join(home, "run"), path.join(home, "plane"));
  const flags = "--dataset tiny --n-hidden 32,32 --batch-size 50 --epochs 1 --quiet";
  await run("train", ...flags.split(" "), "--dim-z", "5", "--run", "space");
  await run("train", ...flags.split(" "), "--dim-z", "1,1", "--run", "layers");
});
afterAll(() => rmSync(home, { recursive: true }));

const read = (file: string) => readFileSync(path.join(home, file));

describe("vae manifold", () => {
  it("draws a grid of the given size, and prints its path", async () => {
    const { code, stdout, stderr } = await run("manifold", "--run", "plane", "--size", "7x5");
    expect([code, stdout, stderr]).toEqual([0, `${path.join("plane/pictures/manifold-7x5-2.png")}\n`, ""]);
    const { width, height } = PNG.sync.read(read("plane/pictures/manifold-7x5-2.png"));
    expect(width).toBeGreaterThan(7 * 90);
    expect(height).toBeGreaterThan(5 * 90);
    expect(width).toBeGreaterThan(height);
  });

  it("depends on spacing and range", async () => {
    const flags = [[], ["--range", "0.5"], ["--spacing", "quantile"]];
    const pictures = [];
    for (const [i, more] of flags.entries()) {
      await run("manifold", "--run", "plane", "--size", "4x4", "--out", `m${i}.png`, ...more);
      pictures.push(read(`m${i}.png`).toString("base64"));
    }
    expect(new Set(pictures).size).toBe(3);
  });

  it.each([
    ["space", "5"],
    ["layers", "two layers"],
  ])("refuses a model without a latent plane: %s", async (name, has) => {
    const { code, stderr } = await run("manifold", "--run", name);
    expect(code).toBe(2);
    const problem = `A manifold needs two latent dimensions; this model has ${has}. `;
    expect(stderr).toMatch(new RegExp(`^error: ${problem}`));
    const pictures = readdirSync(path.join(home, name, "pictures"));
    expect(pictures.filter((picture) => picture.startsWith("manifold"))).toEqual([]);
  });
});

it("vae interpolate draws from the first class to the second by default", async () => {
  const { test } = await datasets.load(path.join(home, "tiny"));
  const labels = [...(test.labels ?? [])];
  const { stdout, stderr } = await run("interpolate", "--run", "space", "--steps", "2");
  const ends = `${labels.indexOf(0)}-${labels.indexOf(1)}`;
  expect([stdout, stderr]).toEqual([`${path.join(`space/pictures/interpolation-${ends}-n2.png`)}\n`, ""]);
});

describe("vae latent", () => {
  it("plots the plane by label", async () => {
    const { code, stdout, stderr } = await run("latent", "--run", "plane", "--n", "60");
    expect([code, stdout, stderr]).toEqual([0, `${path.join("plane/pictures/latent-n60-seed0.svg")}\n`, ""]);
    const svg = read("plane/pictures/latent-n60-seed0.svg").toString();
    expect(svg).toContain(">Posterior means of the first 60 test images<");
    for (const text of ["z1", "z2", "label", "0", "9"]) expect(svg).toContain(`>${text}<`);
  });

  it("plots draws, which differ from the means and by seed", async () => {
    const svgs = [];
    for (const [i, more] of [[], ["--draws"], ["--draws", "--seed", "7"]].entries()) {
      const { stdout } = await run("latent", "--run", "plane", "--out", `l${i}.svg`, ...more);
      expect(stdout).toBe(`l${i}.svg\n`);
      svgs.push(read(`l${i}.svg`).toString());
    }
    expect(new Set(svgs).size).toBe(3);
    expect(svgs[1]).toContain(">Posterior draws of the first 120 test images<");
  });

  it("of more than two dimensions plots two principal components, and prints a note", async () => {
    const { stdout, stderr } = await run("latent", "--run", "space");
    expect(stderr).toMatch(
      /^The latent space has 5 dimensions\. The plot shows the first two principal components, with \d+%/,
    );
    const svg = read(stdout.trim()).toString();
    expect(svg).toContain(">Posterior means of the first 120 test images, 5 dimensions in two<");
    expect(svg).toMatch(/>first principal component, \d+% of the variance</);
    const { code, stderr: problem } = await run("latent", "--run", "space", "--n", "1");
    expect([code, problem]).toEqual([2, "error: The principal components of 5 dimensions need two images or more.\n"]);
  });

  it("prints a note if the data have no labels", async () => {
    rmSync(path.join(home, "tiny/t10k-labels-idx1-ubyte"));
    const { code, stderr } = await run("latent", "--run", "plane", "--out", "grey.svg");
    expect([code, stderr]).toEqual([0, expect.stringContaining("The test images have no labels")]);
    expect(read("grey.svg").toString()).not.toContain(">label<");
  });
});

describe("vae interpolate", () => {
  it("draws from the first image to the second by default if there are no labels", async () => {
    const { stdout } = await run("interpolate", "--run", "space", "--steps", "2");
    expect(stdout).toBe(`${path.join("space/pictures/interpolation-0-1-n2.png")}\n`);
  });

  it("draws a row for each pair, with the images themselves at its ends", async () => {
    const flags = ["--run", "space", "--from", "0,1", "--to", "2,1", "--steps", "4"];
    const { code, stdout, stderr } = await run("interpolate", ...flags);
    expect([code, stdout, stderr]).toEqual([0, `${path.join("space/pictures/interpolation-0-2-1-1-n4.png")}\n`, ""]);
    await run("interpolate", "--run", "space", "--from", "2,1", "--to", "0,1", "--steps", "4", "--out", "back.png");
    const [there, back] = ["space/pictures/interpolation-0-2-1-1-n4.png", "back.png"].map((file) =>
      PNG.sync.read(read(file)),
    );
    expect([there.width, there.height]).toEqual([back.width, back.height]);
    // Six tiles of 7 pixels, magnified 13 times. The first row of back.png is reversed tile by tile.
    const tile = ({ data, width }: PNG, column: number) => {
      const left = 2 + 93 * column + (column > 0 ? 8 : 0) + (column > 4 ? 8 : 0);
      return Array.from(
        { length: 49 },
        (_, i) => data[4 * ((8 + 13 * Math.floor(i / 7)) * width + left + 6 + 13 * (i % 7))],
      );
    };
    for (let column = 0; column < 6; column++) {
      tile(there, column).forEach((grey, i) => {
        expect(Math.abs(grey - tile(back, 5 - column)[i])).toBeLessThanOrEqual(1);
      });
    }
    expect(tile(there, 0)).not.toEqual(tile(there, 1));
  });

  it("refuses a missing image", async () => {
    const { code, stderr } = await run("interpolate", "--run", "space", "--from", "0", "--to", "120");
    expect([code, stderr]).toEqual([2, "error: There is no test image 120. Choose from 0 to 119.\n"]);
  });
});
