// Presets and defaults chosen by the data.
import { describe, expect, it } from "vitest";
import { PRESETS } from "../../src/config/presets.js";
import { fitSettings } from "../../src/training/fit.js";

const files = { kind: "files", channels: 1, count: 157 } as const;
const colour = { kind: "arrays", channels: 3, count: 50_000 } as const;
const grey = { kind: "arrays", channels: 1, count: 157 } as const;

describe("without a preset", () => {
  it("image files and colour images get convolutions, grey arrays the tutorial's model", () => {
    for (const images of [files, colour]) {
      const { config, preset } = fitSettings({}, undefined, images);
      expect(preset).toBe("photos");
      expect(config).toMatchObject(PRESETS.photos.settings);
    }
    const { config, preset } = fitSettings({}, undefined, grey);
    expect([preset, config.network, config.batchSize, config.epochs]).toEqual([undefined, "mlp", 128, 20]);
  });

  it.each([
    [1, 1, 200],
    [19, 1, 158],
    [157, 7, 137],
    [2559, 127, 150],
    [2560, 128, 150],
    [50_000, 128, 20],
  ])("%i photos are trained in batches of %i, %i times", (count, batchSize, epochs) => {
    const { config } = fitSettings({}, undefined, { ...files, count });
    expect([config.batchSize, config.epochs]).toEqual([batchSize, epochs]);
  });

  it("given settings remain, and undo conflicting choices of the preset", () => {
    const { config } = fitSettings({ nHidden: [9], batchSize: 2 }, undefined, files);
    expect(config).toMatchObject({ network: "mlp", nHidden: [9], batchSize: 2, epochs: 39, likelihood: "gaussian" });
    expect(fitSettings({ binarize: "dynamic" }, undefined, files).config.likelihood).toBe("bernoulli");
    expect(fitSettings({ dimZ: [9, 3] }, undefined, files).config).toMatchObject({ dimZ: [9, 3], prior: "normal" });
    expect(fitSettings({ objective: "mmd" }, undefined, files).config.prior).toBe("normal");
    expect(fitSettings({ objective: "mmd", prior: "vamp" }, undefined, files).config.prior).toBe("vamp");
    expect(fitSettings({ dimZ: 9 }, undefined, files).config.prior).toBe("mixture");
    expect(fitSettings({ epochs: 3, model: "ae" }, undefined, files).config).toMatchObject({ epochs: 3, model: "ae" });
  });
});

it("photos with labels get few dimensions; they and two-dimensional latents get a normal prior", () => {
  const { config } = fitSettings({ conditional: true }, undefined, files);
  expect([config.prior, config.dimZ]).toEqual(["normal", 8]);
  expect(fitSettings({ conditional: true, dimZ: 5, prior: "mixture" }, "photos", files).config).toMatchObject({
    prior: "mixture",
    dimZ: 5,
  });
  expect(fitSettings({ dimZ: 2 }, undefined, files).config.prior).toBe("normal");
  expect(fitSettings({ dimZ: 3 }, undefined, files).config.prior).toBe("mixture");
});

it("an objective that compares images gets batches of two or more", () => {
  for (const objective of ["mmd", "beta-tc"] as const) {
    expect(fitSettings({ objective }, undefined, { ...files, count: 9 }).config.batchSize).toBe(2);
  }
});

it("given settings undo conflicting choices of a given preset photos", () => {
  for (const given of [{ objective: "mmd" }, { dimZ: [4, 2] }, { binarize: "threshold" }] as const) {
    expect(fitSettings(given, "photos", files).config).toEqual(fitSettings(given, undefined, files).config);
  }
});

it("other given presets are used unchanged", () => {
  expect(fitSettings({}, "tutorial", colour).config).toMatchObject({ network: "mlp", likelihood: "bernoulli" });
  expect(fitSettings({}, {}, colour)).toMatchObject({ config: { network: "mlp" } });
  expect(fitSettings({}, "photos", grey)).toMatchObject({ config: { network: "conv", batchSize: 7 } });
  expect(fitSettings({}, "photos", grey)).not.toHaveProperty("preset");
});
