// Exported models of several kinds, with inputs and expected outputs for other runtimes.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { oneHot } from "../src/data/classes.js";
import { RunFolder } from "../src/run/folder.js";
import type { HostArray } from "../src/tree.js";
import type { OnnxCase, OnnxResult } from "./browser/chromium.js";
import { idx, writeTinyMnist } from "./fixtures/idx.js";
import { modelOf, open, weyl } from "./helpers.js";
import { vae } from "./vae.js";

/** The settings of each training by the name of its run. */
const RUNS: Record<string, string[]> = {
  tutorial: ["--dataset", "tiny", "--epochs", "2"],
  gaussian: ["--dataset", "tiny", "--dim-z", "5", "--set", "likelihood=gaussian", "--set", "sigma=exp"],
  deep: [
    ...["--dataset", "tiny", "--n-hidden", "32,24,16", "--objective", "iwae", "--binarize", "dynamic"],
    ...["--set", "encoderActivations=elu,relu,sigmoid", "--set", "decoderActivations=silu,softplus,tanh"],
  ],
  labelled: ["--dataset", "tiny", "--conditional", "--dim-z", "3"],
  flow: ["--dataset", "tiny", "--dim-z", "3", "--set", "posterior=iaf", "--set", "prior=flow"],
  layers: ["--dataset", "tiny", "--dim-z", "3,2", "--conditional"],
  pseudo: ["--dataset", "tiny", "--set", "prior=vamp", "--set", "pseudoInputs=4"],
  plain: ["--dataset", "wide", "--n-hidden", "16", "--model", "ae", "--dim-z", "3"],
};

/** Trains and exports a model of each kind in this folder. */
export async function trainAndExport(home: string): Promise<void> {
  await writeTinyMnist(path.join(home, "tiny"), 600, 80);
  mkdirSync(path.join(home, "wide"));
  for (const [name, count] of [
    ["train", 200],
    ["t10k", 20],
  ] as const) {
    writeFileSync(
      path.join(home, "wide", `${name}-images-idx3-ubyte`),
      idx([count, 4, 6], weyl(count * 24, 0, 256).map(Math.floor)),
    );
  }
  for (const [name, flags] of Object.entries(RUNS)) {
    const settings = "--n-hidden 24,16 --epochs 1 --batch-size 50 --quiet".split(" ");
    const { code, stderr } = await vae(["train", ...settings, "--run", name, ...flags], home);
    expect([code, stderr]).toEqual([0, ""]);
    expect((await vae(["export", "--run", name], home)).code).toBe(0);
  }
}

export const plain = ({ data, shape }: HostArray) => ({ shape, data: [...data] });

/** Inputs of the exported models, and the outputs of engine cpu. */
async function referenceCases(home: string): Promise<{ cases: OnnxCase[]; expected: OnnxResult[] }> {
  const engine = await open("cpu");
  const cases: OnnxCase[] = [];
  const expected: OnnxResult[] = [];
  for (const name of Object.keys(RUNS)) {
    const folder = await RunFolder.open(path.join(home, name));
    const { settings, data } = folder.config;
    const pixels = data.height * data.width;
    const K = data.classes?.length ?? 0;
    const model = modelOf(settings, pixels, K);
    const { params } = await folder.readModel(model.parts.specs);
    for (const batch of [1, 7]) {
      const bytes = weyl(batch * pixels, 0, 256, batch).map(Math.floor);
      const images = { data: Uint8Array.from(bytes), shape: [batch, pixels] };
      const labels = K > 0 ? oneHot(weyl(batch, 0, K, batch).map(Math.floor), K) : undefined;
      const label = labels && { label: plain(labels) };
      const { z: mean, sigma } = await engine.call(model.encode, {
        params,
        batch: { images, ...(labels && { labels }) },
      });
      cases.push({
        model: `${name}/encoder.onnx`,
        inputs: { pixels: { shape: images.shape, data: bytes.map((byte) => byte / 255) }, ...label },
      });
      expected.push({ mean: plain(mean), ...(sigma && { sigma: plain(sigma) }) });

      const { dimZ } = model.parts;
      const z = { data: Float32Array.from(weyl(batch * dimZ, -3, 3, batch)), shape: [batch, dimZ] };
      cases.push({ model: `${name}/decoder.onnx`, inputs: { z: plain(z), ...label } });
      const { outputs } = await engine.call(model.decode, { params, z, ...(labels && { labels }) });
      expected.push({ pixels: plain(outputs) });
    }
  }
  return { cases, expected };
}

/** Expects a runtime to compute the outputs of engine cpu, to 1e-5, in batches of 1 and 7. */
export async function expectSame(home: string, compute: (cases: OnnxCase[]) => OnnxResult[] | Promise<OnnxResult[]>) {
  const { cases, expected } = await referenceCases(home);
  expect(cases).toHaveLength(32);
  expect(expected.filter((outputs) => "sigma" in outputs)).toHaveLength(10);
  const results = await compute(cases);
  expect(results).toHaveLength(cases.length);
  for (const [i, outputs] of expected.entries()) {
    expect(Object.keys(results[i])).toEqual(Object.keys(outputs));
    for (const [name, { shape, data }] of Object.entries(outputs)) {
      expect(results[i][name].shape).toEqual(shape);
      const errors = data.map((value, j) => Math.abs(value - results[i][name].data[j]));
      expect(Math.max(...errors), `${cases[i].model}, ${name}`).toBeLessThan(1e-5);
      expect(new Set(data).size, `${cases[i].model}, ${name}: too few numbers`).toBeGreaterThan(data.length / 2);
    }
  }
}
