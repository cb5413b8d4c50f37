// A folder of colour photos, from files to recognisable samples, with default settings.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { datasets, type HostArray, type LoadedModel, loadModel, train } from "../../dist/index.js";

let home: string;
let model: LoadedModel;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-photos-"));
  const draw = fileURLToPath(new URL("../../examples/draw-photos.js", import.meta.url));
  const { status } = spawnSync(process.execPath, [draw, path.join(home, "photos"), "200"]);
  expect(status).toBe(0);
  const settings = { dataset: path.join(home, "photos"), size: 32, epochs: 40, threads: 2 };
  for await (const event of train(settings, { run: path.join(home, "run") })) {
    if (event.type === "start") expect(event).toMatchObject({ preset: "photos", config: { network: "conv" } });
  }
  model = await loadModel(path.join(home, "run"));
}, 600_000);
afterAll(async () => {
  await model.close();
  rmSync(home, { recursive: true });
});

const PIXELS = 32 * 32 * 3;
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < PIXELS; i++) sum += (a[i] - b[i]) ** 2;
  return sum / PIXELS;
};
/** One row of values from 0 to 1 per image, from bytes or floats. */
const rows = ({ data }: HostArray) => {
  const values = data instanceof Uint8Array ? Float32Array.from(data, (byte) => byte / 255) : data;
  return Array.from({ length: data.length / PIXELS }, (_, i) => values.subarray(i * PIXELS, (i + 1) * PIXELS));
};

it("explains three quarters of the variance of test photos", async () => {
  const data = await model.loadData();
  const photos = rows(datasets.read(data, "test"));
  const outputs = rows(await model.reconstruct(data.test));
  const mean = photos[0].map((_, i) => photos.reduce((sum, photo) => sum + photo[i], 0) / photos.length);
  const error = (others: (i: number) => ArrayLike<number>) =>
    photos.reduce((sum, photo, i) => sum + distance(photo, others(i)), 0) / photos.length;
  expect(error((i) => outputs[i])).toBeLessThan(0.25 * error(() => mean));
});

it("draws samples of every kind that are closer to a photo than blends of two photos", async () => {
  const data = await model.loadData();
  const photos = rows(datasets.read(data, "train"));
  const labels = data.train.labels ?? [];
  const nearest = (image: ArrayLike<number>) =>
    photos.reduce(
      (best, photo, i) => {
        const far = distance(image, photo);
        return far < best.far ? { far, label: labels[i] } : best;
      },
      { far: Infinity, label: -1 },
    );
  const samples = rows(await model.sample(60)).map((sample) => nearest(sample));
  expect(new Set(samples.map(({ label }) => label)).size).toBe(5);
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
  const blends = photos.map((photo, i) => photo.map((value, at) => (value + photos[(i + 1) % photos.length][at]) / 2));
  const ofBlends = median(blends.map((blend) => nearest(blend).far));
  expect(median(samples.map(({ far }) => far))).toBeLessThan(ofBlends);
});
