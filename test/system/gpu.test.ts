// Commands with --device gpu, which take seconds on SwiftShader.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny, ENGINES, relativeError } from "../helpers.js";
import { checkpointsOf, outcomeOf } from "../outcome.js";
import { start, vae } from "../vae.js";

const SWIFTSHADER = inject("failingGpu");

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = async (...args: string[]) => {
  const outcome = await vae(args, home);
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome.stdout;
};
const SETTINGS = "--dataset tiny --n-hidden 16 --batch-size 50 --json --quiet".split(" ");
const train = (name: string, ...args: string[]) => run("train", ...SETTINGS, "--run", name, ...args);
const onGpu = ["--device", "gpu"];
const configOf = (name: string) => JSON.parse(readFileSync(at(name, "config.json"), "utf8"));
const weightsOf = (name: string) => decodeSafetensors(readFileSync(at(name, "model.safetensors")), name).tensors;

function expectSameWeights(name: string, other: string, tolerance: number): void {
  const expected = weightsOf(other);
  for (const [tensor, { data }] of weightsOf(name)) {
    expect(relativeError(data as Float32Array, expected.get(tensor)?.data as Float32Array), tensor).toBeLessThan(
      tolerance,
    );
  }
}

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-gpu-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

describe.runIf(inject("gpu"))("--device gpu", () => {
  beforeAll(async () => {
    await train("cpu", "--epochs", "3");
    await train("gpu", "--epochs", "3", ...onGpu);
  });

  it("trains the same model as the processor, but for rounding", () => {
    expect(configOf("gpu").settings).toEqual({ ...configOf("cpu").settings, device: "gpu" });
    expect(configOf("gpu").id).toBe(configOf("cpu").id);
    expectSameWeights("gpu", "cpu", 1e-4);
  });

  it("resumes to the same bytes", async () => {
    await train("resumed", "--epochs", "2", ...onGpu);
    await run("train", "--resume", "resumed", "--epochs", "3", "--quiet");
    expect(outcomeOf(at("resumed"))).toEqual(outcomeOf(at("gpu")));
  });

  it("continues a run of the processor, and the processor continues it", async () => {
    await train("moved", "--epochs", "1");
    await run("train", "--resume", "moved", "--epochs", "2", "--quiet", ...onGpu);
    expect(configOf("moved").settings.device).toBe("gpu");
    await run("train", "--resume", "moved", "--epochs", "3", "--quiet", "--device", "cpu");
    expect(configOf("moved").settings.device).toBe("cpu");
    expectSameWeights("moved", "cpu", 1e-4);
  });

  it("evaluates, encodes and decodes with the same results", async () => {
    const args = ["evaluate", "--run", "cpu", "--importance-samples", "100", "--n", "20", "--json"];
    const [cpu, gpu] = [JSON.parse(await run(...args)), JSON.parse(await run(...args, ...onGpu))];
    expect(gpu.elbo).toBeCloseTo(cpu.elbo, 3);
    expect(gpu.likelihood?.nll ?? 0).toBeCloseTo(cpu.likelihood?.nll ?? 0, 3);

    const latents = async (...more: string[]) => {
      const text = await run("encode", "--run", "cpu", "--n", "5", "--format", "jsonl", ...more);
      return text
        .trim()
        .split("\n")
        .flatMap((line) => JSON.parse(line).z);
    };
    expect(relativeError(await latents(...onGpu), await latents())).toBeLessThan(1e-5);
    await run("decode", "--run", "cpu", "--input", await saveLatents(), "--out", "decoded.png", ...onGpu);
    await run("sample", "--run", "cpu", "--n", "4", "--out", "samples.png", ...onGpu);
    await run("reconstruct", "--run", "cpu", "--n", "4", "--out", "reconstructions.png", ...onGpu);
  });

  it("a killed training of 200 steps resumes to the same bytes", async () => {
    await writeTinyMnist(at("more"), 50 * 100, 120);
    const args = ["--dataset", "more", "--n-hidden", "8", "--batch-size", "50", "--epochs", "2", ...onGpu];
    const often = ["--set", "checkpointSeconds=0"];
    await run("train", ...args, ...often, "--run", "whole", "--quiet");
    const { child, outcome } = start(["train", ...args, ...often, "--run", "killed"], home);
    const stepsOf = () => Number(/\d+/.exec(checkpointsOf(at("killed")).at(-1) as string)?.[0]);
    while (!existsSync(at("killed")) || stepsOf() < 60) await setTimeout(20);
    child.kill("SIGKILL");
    expect((await outcome).signal).toBe("SIGKILL");
    expect(stepsOf()).toBeLessThan(200);
    await run("train", "--resume", "killed", "--quiet");
    expect(outcomeOf(at("killed"))).toEqual(outcomeOf(at("whole")));
  });

  async function saveLatents(): Promise<string> {
    await run("encode", "--run", "cpu", "--n", "3", "--out", "latents.npy");
    return "latents.npy";
  }
});

describe.runIf(SWIFTSHADER)("a GPU that fails", () => {
  const library = () => at("failing-gpu.so");
  const failing = (failure: Record<string, string>) => ({
    VK_ICD_FILENAMES: at("failing.json"),
    DRIVER: SWIFTSHADER ?? "",
    ...failure,
  });
  beforeAll(() => {
    execFileSync("cc", ["-shared", "-fPIC", "-o", library(), "test/fixtures/failing-gpu.c", "-ldl"]);
    const driver = { file_format_version: "1.0.0", ICD: { library_path: library(), api_version: "1.0.5" } };
    writeFileSync(at("failing.json"), JSON.stringify(driver));
  });

  // The first convolution takes 31 MiB.
  it("too little memory ends a training with one line and exit code 1, and leaves the checkpoint", async () => {
    await writeTinyMnist(at("many"), 2500, 120);
    const model = ["--network", "conv", "--filters", "256,4", "--batch-size", "2000"];
    const args = ["--dataset", "many", ...model, "--epochs", "1", "--quiet", "--run", "large", ...onGpu];
    const { code, stdout, stderr } = await start(["train", ...args], home, failing({ MEMORY: "16777216" })).outcome;
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: The GPU has too little memory.* checkpoint is intact\. Resume later: .*\n$/);
    expect(checkpointsOf(at("large"))).toEqual(["step-000000000.safetensors"]);
  });

  it("a lost GPU ends a training likewise, and it resumes", async () => {
    const args = [...SETTINGS, "--set", "checkpointSeconds=0", "--epochs", "3", ...onGpu];
    const train = (args: string[], failure = {}) => start(["train", ...args], home, failing(failure)).outcome;
    const { code, stderr } = await train([...args, "--run", "lost"], { LOST_AFTER: "500" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: The GPU was lost: .* checkpoint is intact\. Resume later: .*\n$/);
    expect(checkpointsOf(at("lost")).at(-1)).not.toBe("step-000000033.safetensors");
    await train(["--resume", "lost", "--quiet"]);
    await train([...args, "--run", "kept"]);
    expect(outcomeOf(at("lost"))).toEqual(outcomeOf(at("kept")));
  });

  it("vae engines --bench notes a lost GPU, and still lists and times the engines", async () => {
    const args = ["engines", "--bench", "--json", "--threads", "1"];
    const { code, stdout, stderr } = await start(args, home, failing({ LOST_AFTER: "20" })).outcome;
    expect([code, stderr]).toEqual([0, "The GPU was lost: it was reset or removed. It was not timed.\n"]);
    const reports: { name: string; runs: boolean; millisecondsPerStep?: number }[] = JSON.parse(stdout);
    const timed = reports.filter(({ millisecondsPerStep }) => millisecondsPerStep);
    expect(timed.map(({ name }) => name)).toEqual(ENGINES);
    expect(reports.at(-1)).toMatchObject({ name: "gpu", runs: true });
  });
});

describe("--device gpu, without a GPU", () => {
  // In child processes, because this one may have found a GPU. Metal and Direct3D need no driver's file.
  it.runIf(process.platform === "linux").each([
    ["train", ["train", ...SETTINGS, "--run", "none"]],
    ["sample", ["sample", "--run", "run"]],
  ])("vae %s says in one line why there is none, and what to install", async (_name, args) => {
    const env = { VK_ICD_FILENAMES: at("no-driver.json") };
    const { code, stdout, stderr } = await start([...args, ...onGpu], home, env).outcome;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: --device gpu finds no GPU: .*\. To get one: .*apt install libvulkan1.*\.\n$/);
  });

  it("another engine than compiled is refused", async () => {
    const { code, stderr } = await vae(["train", ...SETTINGS, "--engine", "cpu", ...onGpu], home);
    expect(code).toBe(2);
    expect(stderr).toBe("error: --engine cpu uses no GPU. Leave out --engine, or --device gpu.\n");
  });
});
