import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import "../../src/engine/compiled/gradients.js";
import { CompiledEngine } from "../../src/engine/compiled/index.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { array, open, openAt, PLACES, weyl } from "../helpers.js";

type Carry = { total: tf.Tensor };
type Input = { x: tf.Tensor; byte: tf.Tensor };

/** A running, decaying sum. */
function accumulate({ total }: Carry, { x, byte }: Input): [Carry, { sum: tf.Tensor; before: tf.Tensor }] {
  const next = tf.add(tf.mul(total, 0.5), tf.mul(x, byte));
  return [{ total: next }, { sum: tf.sum(next), before: total.clone() }];
}

const xs = (steps: number) => ({
  x: array(weyl(steps * 3), [steps, 3]),
  byte: { data: Uint8Array.from({ length: steps }, (_, i) => 250 + i), shape: [steps] },
});

describe.each(PLACES)("engine $title", (place) => {
  const engine = openAt(place);
  afterAll(async () => (await engine).close());

  it("scans over the leading axis", async () => {
    const { x, byte } = xs(4);
    const [carry, ys] = await (await engine).scan(accumulate, { total: array([1, 2, 3]) }, { x, byte });
    let total = [1, 2, 3];
    for (let i = 0; i < 4; i++) {
      expect([...ys.before.data.subarray(3 * i, 3 * i + 3)]).toEqual(total.map(Math.fround));
      total = total.map((t, j) => Math.fround(Math.fround(0.5 * t) + Math.fround(x.data[3 * i + j] * byte.data[i])));
      expect(ys.sum.data[i]).toBeCloseTo(
        total.reduce((a, b) => a + b),
        3,
      );
    }
    expect([...carry.total.data]).toEqual(total);
    expect([carry.total.shape, ys.sum.shape, ys.before.shape]).toEqual([[3], [4], [4, 3]]);
  });

  it("gives the same results for any division of the steps into chunks", async () => {
    const { x, byte } = xs(6);
    const cut = (from: number, to: number) => ({
      x: array(x.data.subarray(3 * from, 3 * to), [to - from, 3]),
      byte: { data: byte.data.subarray(from, to), shape: [to - from] },
    });
    const init = { total: array([0, 0, 0]) };
    const [whole] = await (await engine).scan(accumulate, init, xs(6));
    const [first] = await (await engine).scan(accumulate, init, cut(0, 1));
    const [second] = await (await engine).scan(accumulate, first, cut(1, 4));
    const [third] = await (await engine).scan(accumulate, second, cut(4, 6));
    expect(third).toEqual(whole);
  });

  it("keeps the carry of a loop between chunks of any length", async () => {
    const init = { total: array([1, 2, 3]) };
    const [carry, whole] = await (await engine).scan(accumulate, init, xs(6));
    const { x, byte } = xs(6);
    const loop = (await engine).loop(accumulate, init);
    expect(await loop.carry()).toEqual(init);
    const sums: number[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 5],
      [5, 6],
    ]) {
      const chunk = { data: x.data.subarray(3 * from, 3 * to), shape: [to - from, 3] };
      const ys = await loop.run({ x: chunk, byte: { data: byte.data.subarray(from, to), shape: [to - from] } });
      expect(ys.before.shape).toEqual([to - from, 3]);
      sums.push(...ys.sum.data);
    }
    expect(sums).toEqual([...whole.sum.data]);
    expect(await loop.carry()).toEqual(carry);
    expect(await loop.carry()).toEqual(carry);
    loop.close();
  });

  it("compiles again when a shape changes", async () => {
    const double = ({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, 2) });
    expect((await (await engine).call(double, { x: array([1, 2]) })).y).toEqual(array([2, 4]));
    expect((await (await engine).call(double, { x: array([1, 2, 3, 4], [2, 2]) })).y).toEqual(
      array([2, 4, 6, 8], [2, 2]),
    );
  });

  it("writes results into given arrays, at every call", async () => {
    const sums = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => ({ product: tf.matMul(x, w), total: tf.sum(x) });
    const memory = new Float32Array(7);
    const into = {
      product: { data: memory.subarray(1, 5), shape: [2, 2] },
      total: { data: memory.subarray(5, 6), shape: [] },
    };
    const w = array([1, 2, 3, 4], [2, 2]);
    for (const scale of [1, 10, -2]) {
      const x = array([scale, 0, 0, 2 * scale], [2, 2]);
      expect(await (await engine).call(sums, { x, w }, into)).toBe(into);
      expect([...memory]).toEqual([0, scale, 2 * scale, 6 * scale, 8 * scale, 3 * scale, 0].map((value) => value + 0));
    }
    const wrong = { ...into, total: { data: memory.subarray(5, 7), shape: [2] } };
    await expect((await engine).call(sums, { x: w, w }, wrong)).rejects.toThrow(
      "product[2,2], total[], not product[2,2], total[2]",
    );
  });

  it("can return an input, a constant, and one value twice", async () => {
    const fn = ({ x }: { x: tf.Tensor }) => {
      const y = tf.neg(x);
      return { x: x.clone(), ones: tf.ones([2, 2]), y, again: y.clone() };
    };
    const outputs = await (await engine).call(fn, { x: array([1, 2]) });
    expect(outputs).toEqual({
      x: array([1, 2]),
      ones: array([1, 1, 1, 1], [2, 2]),
      y: array([-1, -2]),
      again: array([-1, -2]),
    });
  });

  it.each([
    [
      "changes the shape of",
      (carry: Carry) => ({ total: tf.reshape(carry.total, [1, 3]) }),
      "changed total from [3] to [1,3]",
    ],
    ["drops from", () => ({}), "dropped total"],
    ["adds to", (carry: Carry) => ({ total: tf.neg(carry.total), more: tf.neg(carry.total) }), "added more"],
  ])("refuses a step that %s its carry, and leaks no tensor", async (_what, next, problem) => {
    const [opened] = [await engine];
    const { numTensors } = tf.memory();
    const step = (carry: Carry, { x }: Input): [Carry, { y: tf.Tensor }] => [next(carry) as Carry, { y: tf.sum(x) }];
    await expect(opened.scan(step, { total: array([1, 2, 3]) }, xs(2))).rejects.toThrow(problem);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it("refuses a carry of bytes, and a scan without steps", async () => {
    const [opened] = [await engine];
    const bytes = { total: { data: Uint8Array.of(1, 2, 3), shape: [3] } };
    await expect(opened.scan(accumulate, bytes, xs(2))).rejects.toThrow("must be float32");
    await expect(opened.scan(accumulate, { total: array([1, 2, 3]) }, xs(0))).rejects.toThrow("at least one step");
  });

  it("refuses arrays of other types or wrong sizes, and sequences of different lengths", async () => {
    const [opened] = [await engine];
    const negate = ({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) });
    const list = { data: [1.5, -3] as unknown as Float32Array, shape: [2] };
    await expect(opened.call(negate, { x: list })).rejects.toThrow("x must be a Float32Array or a Uint8Array");
    await expect(opened.call(negate, { x: array([1, 2], [3]) })).rejects.toThrow("x has 2 numbers for its shape [3]");
    const uneven = { x: xs(2).x, byte: xs(3).byte };
    await expect(opened.scan(accumulate, { total: array([1, 2, 3]) }, uneven)).rejects.toThrow(
      "2 steps (x) and 3 (byte)",
    );
  });

  it("leaks no tensor when a function fails", async () => {
    const [opened] = [await engine];
    const fail = ({ x }: { x: tf.Tensor }) => {
      tf.neg(x);
      throw new Error("no good");
    };
    const { numTensors } = tf.memory();
    await expect(opened.call(fail, { x: array([1]) })).rejects.toThrow("no good");
    await expect(opened.scan((_carry, x: Input) => fail(x), { total: array([1]) }, xs(1))).rejects.toThrow("no good");
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it("runs pending timers and signal handlers at every call", async () => {
    const negate = ({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) });
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    for (let i = 0; i < 50; i++) await (await engine).call(negate, { x: array(weyl(1e5)) });
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
  });

  it("runs on its own backend and restores the previous one", async () => {
    const [opened] = [await engine];
    await tf.setBackend("cpu");
    let backend = "";
    await opened.call(
      ({ x }: { x: tf.Tensor }) => {
        backend = tf.getBackend();
        return { y: tf.neg(x) };
      },
      { x: array([1]) },
    );
    expect([backend, tf.getBackend()]).toEqual([place.name, "cpu"]);
    expect([...tf.add([1], [2]).dataSync()]).toEqual([3]);
  });
});

describe("two engines at once", () => {
  it("do not mix", async () => {
    const engines = await Promise.all([...PLACES, ...PLACES].map(openAt));
    const square = ({ x }: { x: tf.Tensor }) => ({ y: tf.square(x) });
    const results = await Promise.all(
      [0, 1, 2, 3, 4].flatMap((i) => engines.map((engine) => engine.call(square, { x: array([i, 10]) }))),
    );
    results.forEach(({ y }, at) => {
      expect([...y.data]).toEqual([Math.floor(at / engines.length) ** 2, 100]);
    });
    for (const engine of engines) await engine.close();
  });
});

describe("an engine opened while another one runs", () => {
  // In a child process, because every backend has been started in this one.
  it("does not disturb it", async () => {
    const script = `
      import { tf } from "./dist/engine/compiled/tf.js";
      import { openEngine } from "./dist/engine/index.js";
      const { engine: compiled } = await openEngine("compiled", 1);
      const opening = [openEngine("wasm", 1), openEngine("cpu", 1), openEngine("wasm", 1)];
      const x = { data: Float32Array.of(3), shape: [1] };
      const results = [];
      for (let i = 0; i < 20; i++) {
        results.push((await compiled.call(({ x }) => ({ y: tf.mul(x, i) }), { x })).y.data[0]);
      }
      for (const { engine } of await Promise.all(opening)) {
        results.push((await engine.call(({ x }) => ({ y: tf.square(x) }), { x })).y.data[0]);
      }
      console.log(results.join());
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout.trim()).toBe([...Array.from({ length: 20 }, (_, i) => 3 * i), 9, 9, 9].join());
  });
});

it("an engine that loads, but fails at its first call, is closed", async () => {
  const calling = vi.spyOn(CompiledEngine.prototype, "call").mockRejectedValue(new Error("the first call failed"));
  const closing = vi.spyOn(CompiledEngine.prototype, "close").mockRejectedValue(new Error("closing failed"));
  onTestFinished(() => {
    calling.mockRestore();
    closing.mockRestore();
  });
  await expect(open("compiled")).rejects.toThrow("the first call failed");
  expect(closing).toHaveBeenCalledOnce();
});

describe("the compiled engine", () => {
  const engine = open("compiled");
  afterAll(async () => (await engine).close());

  it("names a kernel that it cannot lower", async () => {
    const fn = ({ x }: { x: tf.Tensor }) => ({ y: tf.sin(x) });
    await expect((await engine).call(fn, { x: array([1, 2]) })).rejects.toThrow("cannot compile the kernel Sin");
  });

  it("refuses a tensor from outside, and does not dispose of it", async () => {
    const outside = tf.tensor1d([10, 20]);
    const fn = ({ x }: { x: tf.Tensor }) => ({ y: tf.add(x, outside) });
    await expect((await engine).call(fn, { x: array([1, 2]) })).rejects.toThrow("a tensor from outside");
    expect([...outside.dataSync()]).toEqual([10, 20]);
    expect([...tf.add(outside, 1).dataSync()]).toEqual([11, 21]);
  });

  it.each([
    ["a tensor", ({ x }: { x: tf.Tensor }) => tf.neg(x)],
    ["nothing", () => undefined],
    ["numbers", () => ({ y: 3 })],
  ])("refuses a function that returns %s", async (_what, fn) => {
    await expect((await engine).call(fn as never, { x: array([1, 2]) } as never)).rejects.toThrow(
      "a record of tensors",
    );
  });

  it("names a kernel whose operand is not float32", async () => {
    const fn = ({ x }: { x: tf.Tensor }) => ({ y: tf.neg(tf.cast(x, "int32")) });
    await expect((await engine).call(fn, { x: array([1, 2]) })).rejects.toThrow("Neg was given int32");
  });

  it("refuses a function that reads a tensor's values", async () => {
    const fn = ({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, x.dataSync()[0]) });
    await expect((await engine).call(fn, { x: array([1, 2]) })).rejects.toThrow("must not read the values");
  });
});
