// vae export: what the files are, and that other runtimes compute by them what this project's own engine does.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ModelProtoSchema } from "../../src/engine/compiled/onnx_pb.js";
import { Session } from "../../src/engine/compiled/session.js";
import { loadModel } from "../../src/index.js";
import { Vae } from "../../src/model/vae.js";
import { RunFolder } from "../../src/run/folder.js";
import type { HostArray } from "../../src/tree.js";
import type { OnnxCase, OnnxResult } from "../browser/chromium.js";
import { runInChromium } from "../browser/chromium.js";
import { EXPORT_PACKAGES } from "../engines.js";
import { idx, writeTinyMnist } from "../fixtures/idx.js";
import { array, open, pythonWith, weyl } from "../helpers.js";
import { vae } from "./vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);

/** Settings of a training by the name of its run. */
const RUNS: Record<string, string[]> = {
  tutorial: ["--dataset", "tiny", "--epochs", "2"],
  gaussian: ["--dataset", "tiny", "--dim-z", "5", "--set", "likelihood=gaussian", "--set", "sigma=exp"],
  deep: [
    ...["--dataset", "tiny", "--n-hidden", "32,24,16", "--objective", "iwae", "--binarize", "dynamic"],
    ...["--set", "encoderActivations=elu,relu,sigmoid", "--set", "decoderActivations=silu,softplus,tanh"],
  ],
  plain: ["--dataset", "wide", "--n-hidden", "16", "--model", "ae", "--dim-z", "3"],
};

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-export-"));
  await writeTinyMnist(at("tiny"), 600, 80);
  mkdirSync(at("wide"));
  for (const [name, count] of [
    ["train", 200],
    ["t10k", 20],
  ] as const) {
    writeFileSync(
      at("wide", `${name}-images-idx3-ubyte`),
      idx([count, 4, 6], weyl(count * 24, 0, 256).map(Math.floor)),
    );
  }
  for (const [name, flags] of Object.entries(RUNS)) {
    const { code, stderr } = await run(
      ...["train", "--n-hidden", "24,16", "--epochs", "1", "--batch-size", "50", "--quiet", "--run", name, ...flags],
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect((await run("export", "--run", name)).code).toBe(0);
  }
}, 120_000);
afterAll(() => rmSync(home, { recursive: true }));

const metadataOf = (file: string) => {
  const model = fromBinary(ModelProtoSchema, readFileSync(at(file)));
  return { ...model, metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])) };
};

describe("vae export", () => {
  it("writes into the run's folder and says so, or elsewhere", async () => {
    const files = ["tutorial/encoder.onnx", "tutorial/decoder.onnx"].map(path.normalize);
    expect(await run("export", "--run", "tutorial")).toEqual({ code: 0, stdout: `${files.join("\n")}\n`, stderr: "" });
    const { code, stdout, stderr } = await run("export", "--run", "tutorial", "--out", "new/place", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const elsewhere = {
      encoder: path.join("new/place", "encoder.onnx"),
      decoder: path.join("new/place", "decoder.onnx"),
    };
    expect(JSON.parse(stdout)).toEqual({ run: "tutorial", format: "onnx", ...elsewhere });
    expect(readdirSync(at("new/place")).sort()).toEqual(["decoder.onnx", "encoder.onnx"]);
    for (const name of readdirSync(at("new/place")))
      expect(readFileSync(at("new/place", name))).toEqual(readFileSync(at("tutorial", name)));
  });

  it("is what the library gives", async () => {
    const model = await loadModel(at("tutorial"));
    const { encoder, decoder } = model.toOnnx();
    await model.close();
    expect(Buffer.from(encoder)).toEqual(readFileSync(at("tutorial/encoder.onnx")));
    expect(Buffer.from(decoder)).toEqual(readFileSync(at("tutorial/decoder.onnx")));
  });

  it("puts the facts of the training into the files", async () => {
    const { settings, version } = JSON.parse(readFileSync(at("tutorial/config.json"), "utf8"));
    const epochs = readFileSync(at("tutorial/metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const best = epochs.findLast(({ isBest }) => isBest);
    for (const file of ["tutorial/encoder.onnx", "tutorial/decoder.onnx"]) {
      const { metadata, opsetImport, irVersion } = metadataOf(file);
      expect([opsetImport.map(({ version }) => version), irVersion]).toEqual([[13n], 7n]);
      expect({ ...metadata, settings: JSON.parse(metadata.settings) }).toEqual({
        vae_version: version,
        dataset: "tiny",
        height: "7",
        width: "7",
        channels: "1",
        pixels:
          "floats from 0 (black) to 1 (white), row by row from the top, the channels of a pixel side by side; trained on grey pixels",
        likelihood: "bernoulli",
        dim_z: "2",
        objective: "ELBO, nats per image",
        epoch: String(best.epoch),
        validation_objective: String(best.validation.objective),
        settings: { ...settings, dataset: "tiny" },
      });
      expect(readFileSync(at(file)).includes(home)).toBe(false);
    }
    expect(metadataOf("plain/encoder.onnx").metadata).toMatchObject({ height: "4", width: "6", dim_z: "3" });
    const { metadata, docString } = metadataOf("gaussian/decoder.onnx");
    expect(metadata).toMatchObject({ likelihood: "gaussian", dim_z: "5" });
    expect(docString).toContain("normal with deviation 0.1");
    expect(metadataOf("deep/encoder.onnx").metadata.objective).toBe("L5, nats per image");
  });

  it.each([
    ["a run without a model", () => ["--run", "tiny"], 2, /^error: tiny is not the folder of a run/],
    [
      "a run of no finished epoch",
      () => ["--run", unfinished()],
      2,
      /^error: unfinished has no model\.safetensors yet/,
    ],
    [
      "--out at a file",
      () => ["--run", "plain", "--out", "plain/config.json"],
      2,
      /config\.json is a file, not a folder\./,
    ],
    [
      "--out below a file",
      () => ["--run", "plain", "--out", "plain/config.json/x"],
      2,
      /config\.json is a file, not a folder\./,
    ],
    [
      "--out where the system has no folders",
      () => ["--run", "plain", "--out", "/proc/none/x"],
      1,
      /mkdir '\/proc\/none'/,
    ],
    ["--out where nothing can be written", () => ["--run", "plain", "--out", locked()], 1, /could not be written/],
    ["--out where no folder can be made", () => ["--run", "plain", "--out", `${locked()}/x`], 1, /mkdir/],
  ])("refuses %s in one line", async (_, args, code, problem) => {
    const outcome = await run("export", ...args());
    expect(outcome.stderr).toMatch(problem);
    expect(outcome.stderr).toMatch(/^error: [^\n]*\n$/);
    expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
  });

  it("leaves nothing half written", async () => {
    mkdirSync(at("blocked/decoder.onnx"), { recursive: true }); // where no file can be put
    const { code, stderr } = await run("export", "--run", "plain", "--out", "blocked");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: blocked\/decoder\.onnx could not be written \([^\n]*\n$/);
    expect(readdirSync(at("blocked")).sort()).toEqual(["decoder.onnx", "encoder.onnx"]);
    expect(statSync(at("blocked/encoder.onnx")).size).toBe(statSync(at("plain/encoder.onnx")).size);
  });
});

function unfinished(): string {
  mkdirSync(at("unfinished"), { recursive: true });
  writeFileSync(at("unfinished/config.json"), readFileSync(at("plain/config.json")));
  return "unfinished";
}

/** For root nothing is locked but what is no disk. */
function locked(): string {
  if (process.getuid?.() === 0) return "/proc";
  mkdirSync(at("locked"), { recursive: true });
  chmodSync(at("locked"), 0o555);
  return "locked";
}

const plain = ({ data, shape }: HostArray) => ({ shape, data: [...data] });

/** What the runtimes are given, and what this project's own engine makes of it, in plain JavaScript. */
async function referenceCases(): Promise<{ cases: OnnxCase[]; expected: OnnxResult[] }> {
  const engine = await open("cpu");
  const cases: OnnxCase[] = [];
  const expected: OnnxResult[] = [];
  for (const name of Object.keys(RUNS)) {
    const folder = await RunFolder.open(at(name));
    const { params } = await folder.readModel();
    const { settings, data } = folder.config;
    const pixels = data.height * data.width;
    const model = new Vae({ pixels, ...settings });
    for (const batch of [1, 7]) {
      const bytes = weyl(batch * pixels, 0, 256, batch).map(Math.floor);
      const images = { data: Uint8Array.from(bytes), shape: [batch, pixels] };
      const { mu, sigma } = await engine.call(model.infer, { params, images, corrupted: undefined });
      cases.push({
        model: `${name}/encoder.onnx`,
        inputs: { pixels: { shape: images.shape, data: bytes.map((byte) => byte / 255) } },
      });
      expected.push({ mean: plain(mu), ...(sigma && { sigma: plain(sigma) }) });

      const z = { data: Float32Array.from(weyl(batch * settings.dimZ, -3, 3, batch)), shape: [batch, settings.dimZ] };
      cases.push({ model: `${name}/decoder.onnx`, inputs: { z: plain(z) } });
      expected.push({ pixels: plain((await engine.call(model.generate, { params, z })).outputs) });
    }
  }
  return { cases, expected };
}

describe("the exported models compute what vae does, to 1e-5, in batches of 1 and 7", () => {
  const python = pythonWith(...EXPORT_PACKAGES);
  const chromium = inject("chromium");

  async function check(compute: (cases: OnnxCase[]) => OnnxResult[] | Promise<OnnxResult[]>) {
    const { cases, expected } = await referenceCases();
    expect(cases).toHaveLength(16);
    expect(expected.filter((outputs) => "sigma" in outputs)).toHaveLength(6);
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

  it("by onnxruntime in Node.js", async () => {
    await check(async (cases) => {
      const results: OnnxResult[] = [];
      for (const { model, inputs } of cases) {
        const session = await Session.create(readFileSync(at(model)), 1);
        const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [name, array(data, shape)] as const);
        results.push(
          Object.fromEntries([...(await session.run(new Map(feeds)))].map(([name, output]) => [name, plain(output)])),
        );
        await session.close();
      }
      return results;
    });
  });

  it.skipIf(!python)("by onnxruntime in Python, past the ONNX checker and its inference of shapes", async () => {
    await check((cases) => {
      writeFileSync(at("cases.json"), JSON.stringify(cases));
      const args = ["test/reference/run_onnx.py", home, at("cases.json")];
      return JSON.parse(execFileSync(python as string, args, { encoding: "utf8" }));
    });
  });

  it.skipIf(!chromium)("by onnxruntime-web in a browser", async () => {
    await check((cases) => runInChromium(chromium as string, home, cases));
  });
});
