// Fuzzed arguments for every function of the library: a finite result or a UserError.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import * as vae from "../../src/index.js";
import { array, copyTiny } from "../helpers.js";
import { asyncResult, limits, timeout } from "./fuzz.js";

let home: string;
let model: vae.LoadedModel;
/** Of ten classes. */
let labelled: vae.LoadedModel;
let data: vae.datasets.Dataset;
let runs = 0;
const before = process.cwd();
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-fuzz-"));
  copyTiny(home);
  process.chdir(home); // unnamed runs are created in runs/
  model = await vae.loadModel(at("run"));
  data = await vae.datasets.load(at("tiny"));
  for await (const _ of vae.train({ ...settings(), conditional: true }, { run: at("labelled") }));
  labelled = await vae.loadModel(at("labelled"));
  writeFileSync(at("a.png"), vae.encodePng(vae.drawImages(await model.sample(1))));
});
afterAll(async () => {
  process.chdir(before);
  await model.close();
  await labelled.close();
  rmSync(home, { recursive: true });
});

const { parts } = vae;
const settings = () => ({ dataset: at("tiny"), nHidden: [4], batchSize: 40, epochs: 1, threads: 1, dimZ: 2 });
const config = createConfig({ nHidden: [4] });
const ownParts: vae.parts.BuildParts = (given, input) => parts.assemble(parts.pieces(given, input));
const layer = parts.dense({ units: 3, weight: "he" });
const nop = () => {};
const images = () => ({ data: new Uint8Array(2 * 49).fill(9), shape: [2, 7, 7] });
const nested = () => [new Array(49).fill(0.5), new Float32Array(49)];
const z = () => array([0, 1, 2, 3], [2, 2]);

interface Subject {
  /** Lists of valid arguments. */
  readonly right: () => unknown[][];
  // biome-ignore lint/suspicious/noExplicitAny: arguments of any type
  readonly call: (...given: any[]) => unknown;
}
const fresh = async (use: (model: vae.LoadedModel) => Promise<void>) => use(await vae.loadModel(at("run")));

/** One entry for each function that users can call. */
const SUBJECTS: Record<string, Subject> = {
  describePixels: { right: () => [[config]], call: vae.describePixels },
  greyNats: { right: () => [[config, 784]], call: vae.greyNats },
  hasBound: { right: () => [[config]], call: vae.hasBound },
  objectiveName: { right: () => [[config]], call: vae.objectiveName },
  termNames: { right: () => [[config], [{ conditional: true }]], call: vae.termNames },
  drawImages: { right: () => [[z3()], [[[[0, 1]]]], [images()]], call: vae.drawImages },
  toPictures: { right: () => [[z3()], [[[[0, 1]]]]], call: vae.toPictures },
  encodePng: {
    right: () => [[{ width: 1, height: 2, channels: 1, pixels: Uint8Array.of(1, 2) }]],
    call: vae.encodePng,
  },
  compareRuns: { right: () => [[[at("run")]], [[at("run"), home]]], call: vae.compareRuns },
  compareModels: { right: () => [[[at("run")]]], call: vae.compareModels },
  listRuns: { right: () => [[], [home]], call: vae.listRuns },
  findEngines: { right: () => [[], [1]], call: vae.findEngines },
  findGpu: { right: () => [[]], call: vae.findGpu },
  timeTrainingStep: { right: () => [[[], 1]], call: vae.timeTrainingStep },
  joinProcesses: { right: () => [[]], call: vae.joinProcesses },
  createReport: { right: () => [[model]], call: vae.createReport },
  loadModel: { right: () => [[at("run")], [at("run"), undefined, 1, "cpu"]], call: vae.loadModel },
  train: {
    right: () => [[settings(), { run: at(`run-${runs++}`), onDecoding: nop, preset: {}, parts: ownParts }]],
    call: vae.train,
  },
  resume: { right: () => [[at("run"), { epochs: 2, threads: 1 }, { onDecoding: nop }]], call: vae.resume },
  "datasets.load": { right: () => [[at("tiny"), { limit: 50, onProgress: nop }]], call: vae.datasets.load },
  "datasets.inspect": { right: () => [[at("tiny"), { limit: 50 }]], call: vae.datasets.inspect },
  "datasets.read": {
    right: () => [
      [data, "test", 0, 2],
      [data, "train"],
    ],
    call: vae.datasets.read,
  },
  "datasets.describeShape": { right: () => [[{ height: 1, width: 2, channels: 3 }]], call: vae.datasets.describeShape },
  "parts.build": { right: () => [[config, { height: 7, width: 7, channels: 1 }]], call: parts.build },
  "parts.pieces": { right: () => [[config, { height: 7, width: 7, channels: 1 }]], call: parts.pieces },
  "parts.dense": {
    right: () => [[{ units: 3, activation: "elu", keepProb: 0.5, weight: "he", bias: { normal: 1 } }]],
    call: parts.dense,
  },
  "parts.mlp": {
    right: () => [[{ hidden: [3], activations: ["elu"], keepProb: 1, outputs: 2, weight: "he", bias: "zeros" }]],
    call: parts.mlp,
  },
  "parts.conv": {
    right: () => [[{ filters: 2, kernel: 3, stride: 2, activation: "relu", weight: "he", bias: "zeros" }]],
    call: parts.conv,
  },
  "parts.convTranspose": {
    right: () => [[{ filters: 2, kernel: 3, stride: 2, height: 4, width: 5, weight: "he", bias: "mean-image" }]],
    call: parts.convTranspose,
  },
  "parts.onImages": { right: () => [[[2, 2, 1], layer]], call: parts.onImages },
  "parts.sequential": { right: () => [[[layer, layer]], [{ one: layer }]], call: parts.sequential },
  "parts.assemble": {
    right: () => [[parts.pieces(config, { height: 7, width: 7, channels: 1 })]],
    call: parts.assemble,
  },
  "parts.joinSpecs": { right: () => [[{ a: layer.specs([4], "image") }]], call: parts.joinSpecs },
  "model.encode": {
    right: () => [[images(), { what: "draws", seed: 1 }], [nested()], [{ ...data.test, count: 2 }]],
    call: (...given) => model.encode(...(given as [never])),
  },
  "model.encodeParts": {
    right: () => [[images(), { what: "draws", seed: 1 }], [nested()], [{ ...data.test, count: 2 }]],
    call: (...given) => model.encodeParts(...(given as [never])),
  },
  "model.decode": { right: () => [[z()], [[[0, 1]]]], call: (...given) => model.decode(...(given as [never])) },
  "model.decodeParts": {
    right: () => [[z()], [[[0, 1]]]],
    call: (...given) => model.decodeParts(...(given as [never])),
  },
  "model.reconstruct": {
    right: () => [[images()], [nested()]],
    call: (...given) => model.reconstruct(...(given as [never])),
  },
  "model.sample": {
    right: () => [
      [2, { seed: 1 }],
      [2, { seed: 1, from: "mixture", components: 2 }],
    ],
    call: (...given) => model.sample(...(given as [never])),
  },
  "model.sampleParts": {
    right: () => [
      [2, { seed: 1 }],
      [2, { seed: 1, from: "mixture", components: 2 }],
    ],
    call: (...given) => model.sampleParts(...(given as [never])),
  },
  "labelled.encode": {
    right: () => [[images(), { class: 3 }], [nested(), { labels: ["3", 4] }], [{ ...data.test, count: 2 }]],
    call: (...given) => labelled.encode(...(given as [never])),
  },
  "labelled.decode": {
    right: () => [
      [z(), { class: "3" }],
      [[[0, 1]], { labels: [3] }],
    ],
    call: (...given) => labelled.decode(...(given as [never])),
  },
  "labelled.decodeParts": {
    right: () => [[z(), { labels: ["3", 4] }]],
    call: (...given) => labelled.decodeParts(...(given as [never])),
  },
  "labelled.reconstruct": {
    right: () => [
      [images(), { class: 3, as: "4" }],
      [{ ...data.test, count: 2 }, { as: 1 }],
    ],
    call: (...given) => labelled.reconstruct(...(given as [never])),
  },
  "labelled.sample": {
    right: () => [[2, { seed: 1, class: 7 }], [2]],
    call: (...given) => labelled.sample(...(given as [never])),
  },
  "labelled.pictures.reconstructions": {
    right: () => [[2, "none", 1, { as: 3 }]],
    call: (...given) => labelled.pictures.reconstructions(...(given as [])),
  },
  "labelled.pictures.reconstructionsOf": {
    right: () => [[[at("a.png")], true, "none", 1, { class: 3, as: 4 }]],
    call: (...given) => labelled.pictures.reconstructionsOf(...(given as [never])),
  },
  "labelled.pictures.manifold": {
    right: () => [[{ columns: 2, rows: 3, spacing: "linear", range: 1, class: 3 }]],
    call: (...given) => labelled.pictures.manifold(...(given as [never])),
  },
  "labelled.pictures.interpolations": {
    right: () => [
      [[[0, 1]], 2, { class: 3 }],
      [[[0, 1]], 2],
    ],
    call: (...given) => labelled.pictures.interpolations(...(given as [never, never])),
  },
  "model.evaluate": {
    right: () => [[{ split: "test", importanceSamples: 3, count: 2, dataset: at("tiny"), onProgress: nop }]],
    call: (...given) => model.evaluate(...(given as [never])),
  },
  "model.loadData": { right: () => [[], [at("tiny")]], call: (...given) => model.loadData(...(given as [never])) },
  "model.toOnnx": { right: () => [[]], call: () => model.toOnnx() },
  "model.reload": { right: () => [[]], call: () => model.reload() },
  "model.close": { right: () => [[]], call: () => fresh((model) => model.close()) },
  "model.asyncDispose": { right: () => [[]], call: () => fresh((model) => model[Symbol.asyncDispose]()) },
  "model.use": { right: () => [[async () => 1]], call: (...given) => model.use(...(given as [never])) },
  "model.pictures.reconstructions": {
    right: () => [[2, "mask:0.5", 1], []],
    call: (...given) => model.pictures.reconstructions(...(given as [])),
  },
  "model.pictures.reconstructionsOf": {
    right: () => [[[at("a.png")], true, "none", 1]],
    call: (...given) => model.pictures.reconstructionsOf(...(given as [never])),
  },
  "model.pictures.classes": {
    right: () => [[2, 1], []],
    call: (...given) => labelled.pictures.classes(...(given as [])),
  },
  "model.pictures.manifold": {
    right: () => [[{ columns: 2, rows: 3, spacing: "linear", range: 1 }]],
    call: (...given) => model.pictures.manifold(...(given as [never])),
  },
  "model.pictures.latents": {
    right: () => [[{ count: 5, what: "draws" }, 1], []],
    call: (...given) => model.pictures.latents(...(given as [])),
  },
  "model.pictures.interpolations": {
    right: () => [
      [
        [
          [0, 1],
          [2, 3],
        ],
        2,
      ],
    ],
    call: (...given) => model.pictures.interpolations(...(given as [never, never])),
  },
};
const z3 = () => array([0, 1, 2, 3], [2, 1, 2]);

/** Exports that are not tested: constants, errors, TensorFlow.js. */
const NOT_CALLED = [
  "PRESETS",
  "Divergence",
  "Interruption",
  "UserError",
  "parts.tf",
  "parts.STANDARD_NORMAL",
  "parts.NO_SPECS",
];

const namesOf = (prefix: string, values: object) => Object.keys(values).map((name) => prefix + name);
function methodsOf(prefix: string, object: object): string[] {
  const names = new Set<string>();
  for (let of = Object.getPrototypeOf(object); of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(of))) {
      if (typeof value === "function" && name !== "constructor") names.add(prefix + name);
    }
    if (Object.hasOwn(of, Symbol.asyncDispose)) names.add(`${prefix}asyncDispose`);
  }
  return [...names];
}

const detached = new Float32Array(4);
structuredClone(detached, { transfer: [detached.buffer] });
const endless: unknown[] = [];
endless.push(endless);
// biome-ignore format: many on a line
const WRONG: unknown[] = [
  ...[undefined, null, Number.NaN, Infinity, -Infinity, -1, -0, 0, 1.5, 1e300, 2 ** 53, 2n],
  ...["", "x", "a\0b", "-1", true, [], {}, nop, Symbol("x"), new Date(0), new Map([["seed", 1]]), new Set([1]), /x/],
  ...[Promise.resolve(1), new Error("x")],
  ...[Object.create(null), new Array(3), [[]], [[0, 1], [2]], [[0, "x"]], [new Array(2)], endless, [undefined], [1n]],
  ...[new Float32Array(4), new Float64Array(4), new BigInt64Array(2), new Uint8Array(0)],
  ...[new DataView(new ArrayBuffer(8))],
  ...[detached, new Float32Array(new SharedArrayBuffer(16)), { data: detached, shape: [2, 2] }],
  ...[-1, 0, 0.5, 2 ** 32, 2 ** 53, 1e300].map((size) => ({ data: new Float32Array(4), shape: [size, 2] })),
  ...[-2, 0, 1e9].map((size) => ({ data: new Float32Array(4), shape: [size, size] })),
  ...[{ data: new Float32Array(4).fill(Number.NaN), shape: [2, 2] }, { data: [0, 1], shape: [1, 2] }, { unknown: 1 }],
  ...[{ data: new Float32Array(0), shape: [0, 7, 7] }, { data: new Uint8Array(98).fill(1), shape: [2, 7, 7] }],
  ...[{ signal: {} }, { signal: AbortSignal.abort(new vae.UserError("Stopped.")) }, new AbortController().signal],
  ...[{ pixels: { read: nop }, count: 2, offset: 0 }, { pixels: 1 }, { specs: nop, apply: nop }, () => ({ dimZ: 2 })],
];
const anything = fc.anything({
  values: [fc.boolean(), fc.integer(), fc.double(), fc.constantFrom(null, undefined, "x", Number.NaN)],
  key: fc.constantFrom("data", "shape", "seed", "count", "length", "epochs", "0", "toString", "then"),
  maxDepth: 2,
  withBigInt: true,
  withMap: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
});

/** Replaces one field of the value, chosen by these numbers; a number beyond the last field adds one. */
function damage(value: unknown, [step, ...steps]: readonly number[], wrong: unknown): unknown {
  const isOpen = Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
  if (step === undefined || !isOpen) return wrong;
  const fields = value as Record<string, unknown>;
  const keys = [...Object.keys(fields), Array.isArray(value) ? String(value.length) : "unknown"];
  const key = keys[step % keys.length];
  const copy = Array.isArray(value) ? ([...value] as unknown as typeof fields) : { ...fields };
  copy[key] = damage(fields[key], steps, wrong);
  return copy;
}

/** Expects only finite numbers, to a limited depth, because parts keep unknown fields. */
function checkNumbers(value: unknown, depth = 5): void {
  if (typeof value === "number") expect(value).toSatisfy(Number.isFinite);
  else if (value instanceof Float32Array) expect(value.every(Number.isFinite)).toBe(true);
  else if (depth > 0 && Array.isArray(value)) for (const item of value) checkNumbers(item, depth - 1);
  else if (depth > 0 && Object.prototype.toString.call(value) === "[object Object]") {
    for (const [name, item] of Object.entries(value as object)) if (name !== "unknown") checkNumbers(item, depth - 1);
  }
}

/** Awaits the result of a call, or the first parts of a generator. */
async function finish(returned: unknown): Promise<unknown> {
  const result = await returned;
  if (Symbol.asyncIterator in Object(result)) {
    const generator = result as AsyncGenerator<unknown>;
    const some: unknown[] = [];
    for await (const part of generator) if (some.push(part) === 3) break;
    return some;
  }
  if (result instanceof Object && "engine" in result && "close" in result) {
    await (result as vae.LoadedModel).close();
    return undefined;
  }
  return result;
}

describe("fuzzed arguments", () => {
  it("are tried with every exported function", () => {
    const there = [
      ...namesOf("", vae).filter((name) => name !== "parts" && name !== "datasets"),
      ...namesOf("datasets.", vae.datasets),
      ...namesOf("parts.", vae.parts),
      ...methodsOf("model.", model),
      ...methodsOf("model.pictures.", model.pictures),
    ];
    const called = Object.keys(SUBJECTS).filter((name) => !name.startsWith("labelled."));
    expect([...called, ...NOT_CALLED].sort()).toEqual(there.sort());
  });

  it.each(Object.keys(SUBJECTS))("valid ones give a result of %s", async (name) => {
    const { right, call } = SUBJECTS[name];
    for (const given of right()) checkNumbers(await finish(call(...given)));
  });

  it.each(Object.keys(SUBJECTS))("invalid ones give a result or a UserError of %s", { timeout }, async (name) => {
    const { right, call } = SUBJECTS[name];
    // Chosen by index: fast-check cannot print a detached array.
    const listed = fc.record({ place: fc.nat(WRONG.length - 1) });
    const wrong = fc.oneof({ weight: 3, arbitrary: listed }, fc.record({ value: anything }));
    const damages = fc.array(fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), wrong), { maxLength: 2 });
    const memory = process.resourceUsage().maxRSS;
    const property = fc.asyncProperty(fc.nat(3), damages, async (choice, all) => {
      const lists = right();
      let given: unknown = lists[choice % lists.length];
      for (const [steps, of] of all) given = damage(given, steps, "place" in of ? WRONG[of.place] : of.value);
      checkNumbers(await asyncResult(async () => finish(call(...(given as unknown[]))), 60));
    });
    // Each of the many functions gets a tenth of a reader's time. A single call may take longer, on which fast-check's
    // own limit would fail.
    const start = performance.now();
    do await fc.assert(property, { numRuns: 5 });
    while (performance.now() - start < limits.interruptAfterTimeLimit / 10);
    expect(process.resourceUsage().maxRSS - memory).toBeLessThan(1_000_000); // kB
  });

  it("leave a working model", async () => {
    const { z } = await model.encode({ ...data.test, count: 3 });
    expect(z).toEqual((await model.encode({ ...data.test, count: 3 })).z);
    expect(await model.sample(2, { seed: 1 })).toEqual(await model.sample(2, { seed: 1 }));
  });
});
