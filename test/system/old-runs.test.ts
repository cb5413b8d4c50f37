// Runs in fixtures/runs that commit 86035a5 trained for two epochs. Each has that version's results of
// `vae evaluate --importance-samples 50`, `vae encode --n 5`, `vae decode`, `vae sample --n 4`, and of two more epochs
// after --resume.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Session } from "../../src/engine/compiled/session.js";
import { decodeSafetensors } from "../../src/formats/safetensors.js";
import { drawImages, loadModel, resume } from "../../src/index.js";
import { sizeOf } from "../../src/tree.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { array, relativeError } from "../helpers.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-old-runs-"));
  await writeTinyMnist(at("tiny"), 240, 60);
  cpSync("test/fixtures/runs", at("runs"), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true }));

interface Expected {
  readonly evaluation: Record<string, unknown> & { readonly likelihood?: { readonly nll: number } };
  readonly encoded: { readonly z: number[]; readonly sigma?: number[] }[];
  readonly decoded: number[];
  readonly metrics: { readonly epoch: number; readonly isBest: boolean; readonly validation: Record<string, number> }[];
}

describe.each(["vae", "iwae", "ae"])("a run of an earlier version: %s", (name) => {
  const run = () => at("runs", name);
  const expected: Expected = JSON.parse(readFileSync(`test/fixtures/runs/${name}/expected.json`, "utf8"));

  it("is evaluated, encodes, decodes, draws and is exported as before", async () => {
    const model = await loadModel(run());
    const { objective, reconstruction, kl, activeUnits, likelihood } = await model.evaluate({
      split: "test",
      importanceSamples: 50,
      dataset: at("tiny"),
    });
    const { evaluation, encoded, decoded } = expected;
    expect(activeUnits).toBe(evaluation.activeUnits);
    for (const [term, value] of Object.entries({ objective, reconstruction, kl })) {
      expect(value, term).toBeCloseTo(evaluation[term] as number, 4);
    }
    expect(likelihood?.nll ?? 0).toBeCloseTo(evaluation.likelihood?.nll ?? 0, 4);

    const data = await model.loadData(at("tiny"));
    const images = { ...data.test, count: 5 };
    const { z, sigma } = await model.encode(images);
    expect(
      relativeError(
        z.data,
        encoded.flatMap((line) => line.z),
      ),
    ).toBeLessThan(1e-5);
    expect(
      relativeError(
        sigma?.data ?? [],
        encoded.flatMap((line) => line.sigma ?? []),
      ),
    ).toBeLessThan(1e-5);
    const pictures = await model.decode(z);
    expect(relativeError(pictures.data, decoded)).toBeLessThan(1e-5);

    const drawn = drawImages(await model.sample(4));
    const before = PNG.sync.read(readFileSync(at("runs", name, "samples.png")));
    expect([drawn.width, drawn.height]).toEqual([before.width, before.height]);
    const grey = before.data.filter((_, i) => i % 4 === 0);
    expect(Math.max(...grey.map((value, i) => Math.abs(value - drawn.pixels[i])))).toBeLessThanOrEqual(1);

    const { encoder, decoder } = await model.toOnnx();
    await model.close();
    const session = async (file: Uint8Array, input: string, value: Parameters<typeof array>) => {
      const opened = await Session.create(file, 1);
      const outputs = await opened.run(new Map([[input, array(...value)]]));
      await opened.close();
      return outputs;
    };
    const bytes = images.pixels.read([0, 1, 2, 3, 4]);
    if (model.config.binarize === "none") {
      const outputs = await session(encoder, "pixels", [Array.from(bytes, (byte) => byte / 255), [5, 49]]);
      expect(relativeError(outputs.get("mean")?.data ?? [], z.data)).toBeLessThan(1e-5);
    }
    const outputs = await session(decoder, "z", [z.data, z.shape]);
    expect(relativeError(outputs.get("pixels")?.data ?? [], decoded)).toBeLessThan(1e-5);
  });

  it("resumes to the same weights", async () => {
    for await (const event of resume(run(), { epochs: 4, dataset: at("tiny") })) {
      if (event.type !== "epoch") continue;
      const before = expected.metrics[event.epoch - 1];
      expect(event.isBest).toBe(before.isBest);
      expect(event.validation.objective).toBeCloseTo(before.validation.objective, 3);
    }
    const read = (file: string) => decodeSafetensors(readFileSync(at("runs", name, file)), file).tensors;
    const [now, then] = [read("model.safetensors"), read("resumed.safetensors")];
    expect([...now.keys()]).toEqual([...then.keys()]);
    for (const [tensor, { data, shape }] of then) {
      expect(now.get(tensor)?.shape).toEqual(shape);
      expect(sizeOf(shape)).toBe(data.length);
      expect(relativeError(now.get(tensor)?.data ?? [], data), tensor).toBeLessThan(1e-4);
    }
  });
});
