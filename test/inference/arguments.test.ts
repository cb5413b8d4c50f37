// Wrong arguments of the library's functions, nested arrays, and closed models.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { serialize } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import * as vae from "../../src/index.js";
import { TrainedModel } from "../../src/inference/trained-model.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { array, ENGINES, open, weyl } from "../helpers.js";

const { datasets, drawImages, encodePng, listRuns, loadModel, parts, resume, toPictures, train } = vae;
const PIXELS = 49;
let home: string;
let model: vae.LoadedModel;
let data: vae.datasets.Dataset;
const at = (...place: string[]) => path.join(home, ...place);
const settings = () =>
  ({ dataset: at("tiny"), nHidden: [8], batchSize: 40, epochs: 1, threads: 1, binarize: "threshold" }) as const;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-arguments-"));
  await writeTinyMnist(at("tiny"), 240, 60);
  for await (const _ of train(settings(), { run: at("run") }));
  model = await loadModel(at("run"));
  data = await datasets.load(at("tiny"));
});
afterAll(async () => {
  await model.close();
  rmSync(home, { recursive: true });
});

const bytes = (count: number) => ({
  data: Uint8Array.from(weyl(count * PIXELS, 0, 256)),
  shape: [count, 7, 7],
});
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const wrong = (value: unknown) => value as any;

/** Digests of large arrays, for which toEqual takes a second. */
const digestOf = (value: unknown) => createHash("sha256").update(serialize(value)).digest("hex");

/** Expects a UserError of one line, thrown or as rejection. */
async function expectRefusal(call: () => unknown, problem: string | RegExp): Promise<void> {
  const error = await (async () => call())().then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toMatch(/^.+$/);
  expect(error.message).toMatch(problem);
}

describe("evaluate", () => {
  it("has the defaults of the command", async () => {
    const result = await model.evaluate();
    expect(result).toMatchObject({ split: "test", images: 60, likelihood: { importanceSamples: 5000 } });
    expect(result.likelihood?.nll).toBeLessThan(-result.elbo + 0.1);
    const same = await model.evaluate({ split: undefined, importanceSamples: undefined, count: undefined });
    expect(same.likelihood).toEqual(result.likelihood);
  });

  it.each([
    [{ importanceSamples: 0 }, "importanceSamples is 0. It must be a whole number from 1 to 1000000."],
    [{ importanceSamples: Infinity }, "importanceSamples is Infinity"],
    [{ importanceSamples: 1e6 + 1 }, "importanceSamples is 1000001"],
    [{ importanceSamples: null }, "importanceSamples is null"],
    [{ importanceSamples: 2n }, "importanceSamples is 2n"],
    [{ split: "tests" }, 'split is "tests". It must be one of test, validation, train.'],
    [{ count: 61 }, "There are only 60 images, fewer than the 61"],
    [{ count: Number.NaN }, "count is NaN"],
    [{ dataset: "a\0b" }, "It must not contain a NUL character."],
    [{ dataset: 5 }, "dataset is 5. It must be a string."],
    [{ onProgress: true }, "onProgress is true. It must be a function."],
    [{ samples: 5 }, 'Unknown option "samples". The options are split, importanceSamples'],
    [null, "The options are null. They must be an object."],
    ["test", 'The options are "test"'],
    [[], "The options are []"],
  ])("refuses %o", async (options, problem) => {
    await expectRefusal(() => model.evaluate(wrong(options)), problem);
  });
});

describe("nested arrays", () => {
  const nestedOf = ({ data, shape: [count, height, width] }: vae.HostArray, scale: number) =>
    Array.from({ length: count }, (_, n) =>
      Array.from({ length: height }, (_, y) =>
        Array.from({ length: width }, (_, x) => data[(n * height + y) * width + x] / scale),
      ),
    );

  it("are encoded like flat arrays", async () => {
    const images = bytes(3);
    const floats = array(
      Float32Array.from(images.data, (byte) => byte / 255),
      images.shape,
    );
    const expected = await model.encode(floats);
    const nested = nestedOf(images, 255);
    expect(await model.encode(nested)).toEqual(expected);
    expect(await model.encode(nested.map((rows) => rows.flat()))).toEqual(expected);
    expect(await model.encode(nested.map((rows) => Float32Array.from(rows.flat())))).toEqual(expected);
    expect(await model.reconstruct(nested)).toEqual(await model.reconstruct(floats));
    // Rows of bytes stay bytes: 2 is almost black.
    const dark = new Uint8Array(PIXELS).fill(2);
    expect(await model.encode([dark, dark])).toEqual(
      await model.encode({ data: new Uint8Array(98).fill(2), shape: [2, 49] }),
    );
  });

  it("are decoded and drawn like flat arrays", async () => {
    const z = [
      [0, 1],
      [-0.5, 2],
    ];
    const decoded = await model.decode(z);
    expect(decoded).toEqual(await model.decode(array(z.flat(), [2, 2])));
    for await (const part of model.decodeParts(z)) expect(part).toEqual(decoded);
    const colour = [[[[0, 0.5, 1]]]];
    expect(toPictures(colour)).toEqual([{ width: 1, height: 1, channels: 3, pixels: Uint8Array.of(0, 128, 255) }]);
    expect(drawImages(nestedOf(decoded, 1))).toEqual(drawImages(decoded));
    const shown = datasets.read(data, "test", 0, 2);
    expect(toPictures(shown)[1].pixels).toEqual(shown.data.slice(PIXELS));
  });

  it.each([
    [[], "There are no latents."],
    [[[]], "There are no latents."],
    [[[0, 1], [2]], "The latents are ragged: the first have the shape [2,2], others differ."],
    [[[0, 1], 2], "ragged"],
    [
      [
        [0, 1],
        [[2], 3],
      ],
      "The latents hold [2]",
    ],
    [[[0, "1"]], 'The latents hold "1". Give finite numbers only.'],
    [[[0, 1n]], "hold 1n"],
    [[[0, Number.NaN]], "hold NaN"],
    [[[0, 1e300]], "hold 1e+300"],
    [[new Array(2)], "hold undefined"],
    [[Float32Array.of(0, 1), Uint8Array.of(0, 1)], "ragged"],
    [[new Float64Array(2)], "hold "],
    [[Uint8Array.of(0, 1)], "The latents are bytes. Give a Float32Array."],
    [[[[[[0]]]]], "more than 4 axes"],
    [new Array(1e5).fill(new Array(1e5).fill(0)), "more than 4 axes or 200000000 numbers"],
    [[0, 1], "have the shape [2], but this model takes [count,2]"],
  ])("are refused: %#", async (z, problem) => {
    await expectRefusal(() => model.decode(wrong(z)), new RegExp(problem.replace(/[[\]+.]/g, "\\$&")));
    expect((await model.decode([[0, 1]])).shape).toEqual([1, 7, 7]);
  });

  it("in shared memory are accepted", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([1, -1]);
    expect(await model.decode({ data: shared, shape: [1, 2] })).toEqual(await model.decode([[1, -1]]));
  });
});

describe("arguments", () => {
  const detached = () => {
    const data = new Float32Array(4);
    structuredClone(data, { transfer: [data.buffer] });
    return { data, shape: [2, 2] };
  };
  const z = (shape: number[]) => ({ data: new Float32Array(4), shape });
  /** A part that passes the checks, but cannot be encoded. */
  const endless = {
    count: 5e6,
    offset: 0,
    pixels: {
      read: (numbers: ArrayLike<number>) => {
        if (numbers.length > 2) throw new Error("encoded");
        return new Uint8Array(numbers.length * PIXELS);
      },
    },
  };
  it.each([
    ["decode()", (m) => m.decode(wrong(undefined)), "The latents must be { data, shape }"],
    ["negative sizes", (m) => m.decode(z([-2, -2])), "The latents must be { data, shape }"],
    ["a detached array", (m) => m.decode(detached()), "has 0 numbers, but its shape is [2,2]"],
    ["encode()", (m) => m.encode(wrong(undefined)), "The images must be { data, shape }"],
    ["null as options", (m) => m.encode(bytes(1), wrong(null)), "The options are null"],
    ["other draws", (m) => m.encode(bytes(1), wrong({ what: "mean" })), "It must be one of means, draws."],
    ["a whole data set", (m) => m.encode(wrong(data)), "The images must be { data, shape }"],
    [
      "no part",
      (m) => m.encode(wrong({ pixels: 1 })),
      "The part of a data set is { pixels: 1 }. Its count is undefined.",
    ],
    [
      "too many of a part",
      (m) => m.encode({ ...data.test, count: 61 }),
      "There is no image 60. They are numbered from 0 to 59.",
    ],
    ["a billion samples", (m) => m.sample(1e9), "49000000000 numbers. Use sampleParts."],
    ["too many to reconstruct", (m) => m.reconstruct(endless), "Use encodeParts and decodeParts."],
    ["too many to encode", (m) => m.encode({ ...endless, count: 1e9 }), "8000000000 numbers. Use encodeParts."],
    [
      "a symbol as count",
      (m) => m.sample(wrong(Symbol("x"))),
      "The count is Symbol(x). It must be a whole number from 1 to 9007199254740991.",
    ],
    ["a seed of null", (m) => m.sample(1, wrong({ seed: null })), "The option seed is null."],
    [
      "sampleParts(1.5)",
      (m) => m.sampleParts(1.5).next(),
      "The count is 1.5. It must be a whole number from 1 to 9007199254740991.",
    ],
    ["decodeParts({})", (m) => m.decodeParts(wrong({})).next(), "The latents must be"],
    ["encodeParts('x')", (m) => m.encodeParts(wrong("x")).next(), "The images must be"],
    ["other data", (m) => m.loadData(wrong(null)), "The data set is null. It must be a string."],
    ["a manifold of nothing", (m) => m.pictures.manifold(wrong(undefined)), "The options are undefined."],
    [
      "endless columns",
      (m) => m.pictures.manifold({ columns: Infinity, rows: 1, spacing: "linear", range: 1 }),
      "columns is Infinity. It must be a whole number from 1 to 1000.",
    ],
    ["half a seed", (m) => m.pictures.reconstructions(1, "none", 0.5), "The seed is 0.5."],
    ["a noise", (m) => m.pictures.reconstructions(1, wrong(5)), "The noise is 5. It must be KIND"],
    [
      "no files",
      (m) => m.pictures.reconstructionsOf([]),
      "The list of files is []. It must be an array, and not empty.",
    ],
    ["options of latents", (m) => m.pictures.latents(wrong("x")), 'The options are "x"'],
    ["a pair of one", (m) => m.pictures.interpolations(wrong([[0]]), 5), "numbers of two test images"],
    ["one step", (m) => m.pictures.interpolations([[0, 1]], 1), "The number of steps is 1."],
  ] satisfies [string, (model: vae.LoadedModel) => Promise<unknown>, string][])(
    "of a model are refused: %s",
    async (_, call, problem) => {
      const before = await model.sample(2);
      await expectRefusal(() => call(model), new RegExp(problem.replace(/[[\]+.(){}]/g, "\\$&")));
      expect(await model.sample(2)).toEqual(before);
    },
  );

  const layer = parts.dense({ units: 3, weight: "he" });
  it.each([
    ["datasets.load()", () => datasets.load(wrong(undefined)), "The data set is undefined. It must be a string."],
    ["datasets.load of NUL", () => datasets.load("a\0b"), "It must not contain a NUL character."],
    ["options of null", () => datasets.load(at("tiny"), wrong(null)), "The options is null"],
    ["a second data set", () => datasets.load(at("tiny"), wrong({ dataset: "x" })), 'Unknown setting "dataset".'],
    [
      "a signal",
      () => datasets.load(at("tiny"), wrong({ signal: {} })),
      "Its signal is {}. It must be an AbortSignal.",
    ],
    ["a bigint", () => datasets.load(at("tiny"), wrong({ limit: 1n })), "The setting limit is 1n."],
    ["a null", () => datasets.load(at("tiny"), wrong({ limit: null })), "The setting limit is null."],
    ["datasets.inspect", () => datasets.inspect(at("tiny"), wrong("x")), 'The options is "x"'],
    ["datasets.read()", () => datasets.read(wrong(undefined), "test"), "The data set is undefined."],
    ["datasets.read of no part", () => datasets.read(data, wrong("all")), "It must be one of test, validation, train."],
    ["datasets.read of too many", () => datasets.read(data, "test", 0, 1e300), "The count is 1e+300."],
    ["datasets.read at the end", () => datasets.read(data, "test", 60), "The first image is 60."],
    ["an image", () => data.test.pixels.read([60]), "There is no image 60."],
    ["an origin", () => data.test.origin?.(-1), "There is no image -1."],
    ["describeShape", () => datasets.describeShape(wrong({ width: 1 })), "Its height is undefined."],
    ["objectiveName", () => vae.objectiveName(wrong(undefined)), "Settings must be an object"],
    ["greyNats", () => vae.greyNats({}, Number.NaN), "The number of pixels is NaN."],
    ["drawImages()", () => drawImages(wrong(undefined)), "The images must be { data, shape }"],
    ["drawImages of NaN", () => drawImages(array([Number.NaN], [1, 1, 1])), "The images hold NaN or infinity."],
    ["toPictures", () => toPictures(array([1, 2], [1, 1, 2, 1e9 as never])), "The array of images has 2 numbers"],
    ["encodePng()", () => encodePng(wrong(undefined)), "picture"],
    ["encodePng", () => encodePng({ width: 2, height: 1e9, channels: 1, pixels: new Uint8Array(1) }), "picture"],
    ["listRuns", () => listRuns("a\0b"), "It must not contain a NUL character."],
    ["findEngines", () => vae.findEngines(0.5), "The number of threads is 0.5."],
    ["timeTrainingStep", () => vae.timeTrainingStep(wrong(["x"]), 1), "Item 0 is"],
    ["loadModel of a number", () => loadModel(wrong(5)), "The run is 5. It must be a string."],
    ["loadModel of NUL", () => loadModel("a\0b"), "It must not contain a NUL character."],
    ["loadModel with parts", () => loadModel(at("run"), wrong({})), "The argument parts is {}. It must be a function."],
    ["train()", () => train(wrong(undefined)).next(), "Settings must be an object"],
    ["train of a map", () => train(wrong(new Map())).next(), "Settings must be an object"],
    ["train with null", () => train(settings(), wrong(null)).next(), "The options are null."],
    ["train with an option", () => train(settings(), wrong({ folder: "x" })).next(), 'Unknown option "folder".'],
    [
      "train with a signal",
      () => train(settings(), wrong({ signal: "x" })).next(),
      'signal is "x". It must be an AbortSignal.',
    ],
    ["train into NUL", () => train(settings(), { run: "a\0b" }).next(), "It must not contain a NUL character."],
    ["resume of a number", () => resume(wrong(5)).next(), "The run is 5."],
    ["resume with a list", () => resume(at("run"), wrong([])).next(), "Settings must be an object"],
    ["dense()", () => parts.dense(wrong(undefined)), "The options are undefined."],
    ["mlp", () => parts.mlp(wrong({ hidden: 3 })), "The option hidden is 3. It must be an array."],
    ["sequential", () => parts.sequential(wrong([layer, 5])), "Item 1 is 5. It must be an object."],
    ["assemble", () => parts.assemble(wrong({})), "Its pixels is undefined."],
    ["joinSpecs", () => parts.joinSpecs(wrong({ a: 1 })), "Its a is 1."],
    [
      "decays",
      () => parts.joinSpecs(wrong({ a: { params: { w: { shape: [1], init: "he", decays: 1 } }, draws: {} } })),
      "Its decays is 1. It must be true or false.",
    ],
    ["pieces", () => parts.pieces(wrong({ dimZ: -1 }), model.size), "The setting dimZ is -1."],
  ])("are refused: %s", async (_, call, problem) => {
    await expectRefusal(call, new RegExp(problem.replace(/[[\]+.(){}]/g, "\\$&"), "i"));
  });

  it("are refused if parts return no model, before a run is created", async () => {
    for (const own of [
      () => {},
      () => ({}),
      () => 5,
      () => ({ ...parts.build(model.config, model.size), encode: 1 }),
    ]) {
      const call = () => train(settings(), { run: at("none"), parts: wrong(own) }).next();
      await expectRefusal(call, /^The model that parts returned is/);
    }
    const broken = new Error("own");
    const call = () => {
      throw broken;
    };
    await expect(train(settings(), { run: at("none"), parts: call }).next()).rejects.toBe(broken);
    expect(existsSync(at("none"))).toBe(false);
  });

  it("undefined settings of resume change nothing", async () => {
    const events: vae.TrainingEvent[] = [];
    for await (const event of resume(at("run"), { epochs: undefined })) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "done", epochs: 1 });
  });

  it("with an aborted signal, train and resume throw at once", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(train(settings(), { run: at("none"), signal }).next()).rejects.toBe(reason);
    await expect(resume(at("run"), { epochs: 2 }, { signal }).next()).rejects.toBe(reason);
    expect(existsSync(at("none"))).toBe(false);
  });
});

describe("a model", () => {
  it("returns the same for concurrent calls as for successive ones", async () => {
    const images = bytes(700);
    const calls = [
      () => model.encode(images, { what: "draws", seed: 3 }),
      () => model.sample(600, { seed: 4 }),
      () => model.sample(600, { from: "mixture", components: 3 }),
      () => model.reconstruct(images),
      () => model.evaluate({ importanceSamples: 10, count: 5 }).then(({ seconds: _, ...result }) => result),
      () => model.pictures.manifold({ columns: 3, rows: 3, spacing: "linear", range: 1 }),
      () => model.pictures.reconstructions(3, "mask:0.5", 1),
    ];
    const expected = [];
    for (const call of calls) expected.push(digestOf(await call()));
    expect((await Promise.all(calls.map((call) => call()))).map(digestOf)).toEqual(expected);
  });

  it.each(ENGINES)("does so on engine %s", async (name) => {
    const { engine: _, ...init } = model;
    const own = new TrainedModel({ ...init, engine: await open(name) });
    const images = bytes(600);
    const calls = [() => own.encode(images), () => own.decode([[1, -1]]), () => own.sample(550)];
    const expected = [];
    for (const call of calls) expected.push(digestOf(await call()));
    expect((await Promise.all(calls.map((call) => call()))).map(digestOf)).toEqual(expected);
    await own.close();
  });

  it("refuses finite inputs that overflow", async () => {
    const steep = Object.entries(model.params).map(([name, { data, shape }]) => [
      name,
      array(
        data.map((value) => 1e5 * value),
        shape,
      ),
    ]);
    const { engine: _, ...init } = model;
    const own = new TrainedModel({ ...init, engine: await open("wasm"), params: Object.fromEntries(steep) });
    await expectRefusal(() => own.decode([[3e38, -3e38]]), "The model overflows for these latents");
    expect((await own.decode([[0, 0]])).data.every(Number.isFinite)).toBe(true);
    await own.close();
  });

  it("finishes calls in flight before it closes, and refuses later ones", async () => {
    const images = bytes(1200);
    const closing = await loadModel(at("run"));
    const expected = await model.encode(images);
    const samples = await model.sample(1100);
    const flying = [closing.encode(images), closing.sample(1100), closing.evaluate({ importanceSamples: 5, count: 2 })];
    const closed = closing.close();
    const again = closing.close();
    const late = closing.sample(1);
    await expectRefusal(() => late, "The model is closed.");
    const [encoded, sampled, evaluation] = await Promise.all(flying);
    expect([encoded, sampled].map(digestOf)).toEqual([expected, samples].map(digestOf));
    expect(evaluation).toMatchObject({ images: 2 });
    await Promise.all([closed, again, closing.close()]);
    for (const call of [
      () => closing.encode(images),
      () => closing.encode(wrong(undefined)),
      () => closing.encodeParts(images).next(),
      () => closing.decode([[0, 1]]),
      () => closing.decodeParts([[0, 1]]).next(),
      () => closing.reconstruct(images),
      () => closing.sample(1),
      () => closing.sampleParts(1).next(),
      () => closing.evaluate(),
      () => closing.loadData(),
      () => closing.toOnnx(),
      () => closing.pictures.reconstructions(),
      () => closing.pictures.reconstructionsOf(["x.png"]),
      () => closing.pictures.manifold({ columns: 1, rows: 1, spacing: "linear", range: 1 }),
      () => closing.pictures.latents(),
      () => closing.pictures.interpolations([[0, 1]], 2),
    ]) {
      await expectRefusal(call, "The model is closed.");
    }
  });

  it("can be closed between parts: the next step is refused", async () => {
    const closing = await loadModel(at("run"));
    const images = bytes(1200);
    const z = array(weyl(2400, -2, 2), [1200, 2]);
    const generators = [closing.encodeParts(images), closing.decodeParts(z), closing.sampleParts(1200)];
    for (const generator of generators) expect((await generator.next()).done).toBe(false);
    await closing.close();
    for (const generator of generators) {
      await expectRefusal(() => generator.next(), "The model is closed.");
      expect(await generator.next()).toEqual({ done: true, value: undefined });
    }
  });

  it("works and closes after a caller's error", async () => {
    const own = await loadModel(at("run"));
    const expected = await own.sample(3);
    const error = new Error("own");
    const onProgress = () => {
      throw error;
    };
    await expect(own.evaluate({ importanceSamples: 5, count: 2, onProgress })).rejects.toBe(error);
    const pixels = {
      read: (numbers: ArrayLike<number>) => {
        if (numbers.length > 2) throw error;
        return new Uint8Array(numbers.length * PIXELS);
      },
    };
    await expect(own.encode({ count: 3, offset: 0, pixels })).rejects.toBe(error);
    expect(await own.sample(3)).toEqual(expected);
    await own[Symbol.asyncDispose]();
    await expectRefusal(() => own.sample(3), "The model is closed.");
  });
});
