// What only the compiled engine on a GPU does. engine.test.ts, parity.test.ts and kernels.test.ts also run on it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, describe, expect, inject, it, type Mock, onTestFinished, vi } from "vitest";
import { findGpu } from "../../src/engine/compiled/gpu.js";
import { GraphBuilder } from "../../src/engine/compiled/graph.js";
import { Session } from "../../src/engine/compiled/session.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { array, open } from "../helpers.js";

describe.runIf(inject("gpu"))("the compiled engine on the GPU", () => {
  const engine = open("compiled", 1, "gpu");
  afterAll(async () => (await engine).close());

  it("says that the GPU has too little memory, and still works", async () => {
    const outer = ({ x }: { x: tf.Tensor }) => ({ y: tf.sum(tf.exp(tf.add(x, tf.transpose(x)))) });
    const run = async (rows: number) => (await engine).call(outer, { x: array(new Float32Array(rows), [rows, 1]) });
    await expect(run(2 ** 18)).rejects.toMatchObject({
      name: "GpuError",
      message: expect.stringMatching("too little"),
    });
    expect((await run(2)).y.data[0]).toBe(4);
  });

  it("prints no errors of its library, also after an engine on the processor", async () => {
    const script = `
      import { CompiledEngine, tf } from "./dist/engine/compiled/index.js";
      const outer = ({ x }) => ({ y: tf.exp(tf.add(x, tf.transpose(x))) });
      const run = (engine, rows) => engine.call(outer, { x: { data: new Float32Array(rows), shape: [rows, 1] } });
      await run(new CompiledEngine(1), 2);
      await run(new CompiledEngine(1, "gpu"), 2 ** 18).catch(({ name }) => console.log(name));
    `;
    expect(await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script])).toEqual({
      stdout: "GpuError\n",
      stderr: "",
    });
  });

  it("is found once for each process", async () => {
    expect(await findGpu()).toEqual({ runs: true });
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("VK_ICD_FILENAMES", "no-driver.json"); // a second try on Linux would find none
    expect(await findGpu()).toEqual({ runs: true });
  });

  it.runIf(process.platform === "linux")("is tried by one child process at a time, until found", async () => {
    const script = `
      import { findGpu } from "./dist/engine/compiled/gpu.js";
      const { env } = process;
      const children = () => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
      for (const driver of ["no-driver.json", env.VK_ICD_FILENAMES, "no-driver.json"]) {
        if (driver) env.VK_ICD_FILENAMES = driver;
        else delete env.VK_ICD_FILENAMES;
        const before = children();
        const calls = [findGpu(), findGpu()];
        console.log(children() - before, ...(await Promise.all(calls)).map(({ runs }) => runs));
      }
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout).toBe("1 false false\n1 true true\n0 true true\n");
  });

  it("says that a kernel has too many storage buffers", async () => {
    const split = ({ x }: { x: tf.Tensor }) => Object.fromEntries(tf.split(x, 40).map((part, i) => [`y${i}`, part]));
    await expect((await engine).call(split, { x: array(new Float32Array(40)) })).rejects.toMatchObject({
      name: "GpuError",
      message: expect.stringMatching(/^The GPU failed: Too many storage buffers/),
    });
  });

  it("frees the sessions of a loop if one cannot be loaded, even if that fails too", async () => {
    const opened = await engine;
    const step = ({ w }: { w: tf.Tensor }, { x }: { x: tf.Tensor }): [{ w: tf.Tensor }, object] => [
      { w: tf.add(w, x) },
      {},
    ];
    const { create } = Session;
    const closings: Mock[] = [];
    const creating = vi.spyOn(Session, "create").mockImplementation(async (...args) => {
      if (closings.length === 3) throw new Error("no memory for the fourth");
      const session = await create(...args);
      const close = session.close.bind(session);
      const failing = async () => {
        await close();
        throw new Error("a lost GPU");
      };
      closings.push(vi.spyOn(session, "close").mockImplementation(failing));
      return session;
    });
    onTestFinished(() => void creating.mockRestore());
    const scanning = opened.scan(step, { w: array([1]) }, { x: array([1, 2]) });
    await expect(scanning).rejects.toThrow("no memory for the fourth");
    creating.mockRestore();
    expect(closings.map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
    expect((await opened.scan(step, { w: array([1]) }, { x: array([1, 2]) }))[0].w).toEqual(array([4]));
  });

  it("blames the graph, not the GPU, for an invalid graph and for wrong operands", async () => {
    const unknown = new GraphBuilder("unknown");
    unknown.node("Unknown", [unknown.input("x", "float32", [2])], {}, [unknown.output("y", "float32", [2])]);
    const [creation] = await Promise.allSettled([Session.create(unknown.encode(), 1, "gpu")]);
    expect(creation).toMatchObject({ reason: { name: "Error", message: expect.stringContaining("Unknown") } });

    const product = new GraphBuilder("product");
    const operands = ["a", "b"].map((name) => product.input(name, "float32", [`${name}0`, `${name}1`]));
    product.node("MatMul", operands, {}, [product.output("y", "float32", ["rows", "columns"])]);
    const session = await Session.create(product.encode(), 1, "gpu");
    const [a, b] = [array([1, 2, 3], [1, 3]), array([1, 2], [2, 1])];
    const error = await session.run(new Map(Object.entries({ a, b }))).catch((error) => error);
    expect(error).toMatchObject({ name: "Error", message: expect.stringContaining("dimension mismatch") });
    await session.close();
  });

  it("uploads a chunk larger than the GPU should hold in parts", async () => {
    const steps = 5;
    const data = Float32Array.from({ length: steps * 2 ** 23 }, (_, i) => i % 7); // 32 MiB for each step
    const add = ({ sum }: { sum: tf.Tensor }, { x }: { x: tf.Tensor }): [{ sum: tf.Tensor }, { mean: tf.Tensor }] => [
      { sum: tf.add(sum, tf.slice1d(x as tf.Tensor1D, 0, 3)) },
      { mean: tf.mean(x) },
    ];
    const xs = { x: { data, shape: [steps, 2 ** 23] } };
    const [{ sum }, { mean }] = await (await engine).scan(add, { sum: array([0, 0, 0]) }, xs);
    const firsts = Array.from({ length: steps }, (_, step) => [0, 1, 2].map((i) => data[step * 2 ** 23 + i]));
    expect([...sum.data]).toEqual([0, 1, 2].map((i) => firsts.reduce((total, row) => total + row[i], 0)));
    expect(mean.data).toHaveLength(steps);
    for (const value of mean.data) expect(value).toBeCloseTo(3, 4);
  });
});
