// vae export: the files, and their outputs compared with engine cpu. Other runtimes: test/system/export.test.ts.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelProtoSchema } from "../../src/engine/compiled/onnx_pb.js";
import { Session } from "../../src/engine/compiled/session.js";
import { loadModel } from "../../src/index.js";
import type { OnnxResult } from "../browser/chromium.js";
import { expectSame, plain, trainAndExport } from "../exports.js";
import { array } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-export-"));
  await trainAndExport(home);
});
afterAll(() => rmSync(home, { recursive: true }));

const metadataOf = (file: string) => {
  const model = fromBinary(ModelProtoSchema, readFileSync(at(file)));
  return { ...model, metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])) };
};

describe("vae export", () => {
  it("writes to the run's folder or to --out, and prints the paths", async () => {
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

  it("writes the bytes of the library's export", async () => {
    const model = await loadModel(at("tutorial"));
    const { encoder, decoder } = await model.toOnnx();
    await model.close();
    expect(Buffer.from(encoder)).toEqual(readFileSync(at("tutorial/encoder.onnx")));
    expect(Buffer.from(decoder)).toEqual(readFileSync(at("tutorial/decoder.onnx")));
  });

  it("writes metadata of the training into the files", async () => {
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
          "floats from 0 (black) to 1 (white), row by row from the top, the channels of a pixel side by side; " +
          "trained on grey pixels",
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
    const { classes } = metadataOf("labelled/decoder.onnx").metadata;
    expect(JSON.parse(classes)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(metadataOf("layers/decoder.onnx").metadata.dim_z).toBe("5");
    for (const [run, sigma] of [
      ["tutorial", true],
      ["pseudo", true],
      ["flow", false],
      ["layers", false],
      ["plain", false],
    ]) {
      const { graph, docString } = metadataOf(`${run}/encoder.onnx`);
      expect(
        graph?.output.map(({ name }) => name),
        `${run}`,
      ).toEqual(sigma ? ["mean", "sigma"] : ["mean"]);
      expect(docString.includes("sigma"), `${run}`).toBe(sigma);
    }
    const { metadata, docString } = metadataOf("gaussian/decoder.onnx");
    expect(metadata).toMatchObject({ likelihood: "gaussian", dim_z: "5" });
    expect(docString).toContain("normal with deviation 0.1");
    expect(metadataOf("deep/encoder.onnx").metadata.objective).toBe("L5, nats per image");
  });

  it.each([
    ["a run without a model", () => ["--run", "tiny"], 2, /^error: tiny is not the folder of a run/],
    [
      "a run without a finished epoch",
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
      "--out where the system cannot create folders",
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

  it("leaves no partial file", async () => {
    mkdirSync(at("blocked/decoder.onnx"), { recursive: true }); // a folder where the file belongs
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

/** Root may write everywhere except in pseudo file systems such as /proc. */
function locked(): string {
  if (process.getuid?.() === 0) return "/proc";
  mkdirSync(at("locked"), { recursive: true });
  chmodSync(at("locked"), 0o555);
  return "locked";
}

it("onnxruntime in Node.js computes the outputs of vae with the exported models", async () => {
  await expectSame(home, async (cases) => {
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
