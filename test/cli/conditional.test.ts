// Conditional models in the command line and the library: training, use of classes, and refusals.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseNpy } from "../../src/formats/npy.js";
import { datasets, encodePng, type LoadedModel, loadModel, UserError } from "../../src/index.js";
import { drawPlace } from "../../src/inference/labels.js";
import { classesFigure } from "../../src/pictures/figures.js";
import { idx } from "../fixtures/idx.js";
import { copyTiny, relativeError } from "../helpers.js";
import { outcomeOf } from "../outcome.js";
import { find } from "../pictures/reading.js";
import { vae, vaeBytes } from "../vae.js";

const NAMES = ["cat", "dog", "Ärger, laut"];
let home: string;
/** Models of ten digits, and of three named classes. */
let digits: LoadedModel;
let named: LoadedModel;
let data: datasets.Dataset;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);
const train = (name: string, ...args: string[]) =>
  run("train", ..."--n-hidden 16 --batch-size 40 --threads 1 --quiet --conditional --run".split(" "), name, ...args);
const configOf = (name: string) => JSON.parse(readFileSync(at(name, "config.json"), "utf8"));

/** Writes images of the digits 0, 1 and 2 into one folder per class, with these names. */
async function writeClasses(folder: string, names: readonly string[], perClass: number): Promise<void> {
  const { train } = data;
  for (const [digit, name] of names.entries()) {
    mkdirSync(at(folder, name), { recursive: true });
    const numbers = [...(train.labels ?? []).entries()].flatMap(([i, label]) => (label === digit ? i : []));
    for (const [i, number] of numbers.slice(0, perClass).entries()) {
      const pixels = train.pixels.read([number]);
      writeFileSync(at(folder, name, `${i}.png`), encodePng({ width: 7, height: 7, channels: 1, pixels }));
    }
  }
}

/** Expects a command to be refused in one line. */
async function expectRefusal(args: readonly string[], problem: string | RegExp): Promise<void> {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toMatch(problem);
  expect(stderr).toMatch(/^error: [^\n]*\n$/);
  expect([code, stdout]).toEqual([2, ""]);
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-conditional-"));
  copyTiny(home);
  data = await datasets.load(at("tiny"));
  await writeClasses("animals", NAMES, 40);
  expect(await train("digits", "--dataset", "tiny", "--epochs", "2")).toMatchObject({ code: 0, stderr: "" });
  expect((await train("named", "--dataset", "animals", "--epochs", "1", "--dim-z", "3")).code).toBe(0);
  [digits, named] = [await loadModel(at("digits")), await loadModel(at("named"))];
});
afterAll(async () => {
  await digits.close();
  await named.close();
  rmSync(home, { recursive: true });
});

describe("vae train --conditional", () => {
  it("stores the classes of the training images in config.json, in their order", () => {
    const { settings, data: of } = configOf("digits");
    expect(settings.conditional).toBe(true);
    expect(of.classes.map(({ name }: { name: string }) => name)).toEqual([..."0123456789"]);
    const counts = of.classes.map(({ images }: { images: number }) => images);
    expect(counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(of.train);
    expect(configOf("named").data.classes.map(({ name }: { name: string }) => name)).toEqual([...NAMES].sort());
    expect(digits.params["encoder.0.weight"].shape).toEqual([49 + 10, 16]);
    expect(digits.params["decoder.0.weight"].shape).toEqual([2 + 10, 16]);
  });

  it("prints the number of classes, and the command that draws them", async () => {
    const args = ["--dataset", "animals", "--batch-size", "40", "--epochs", "1", "--conditional"]; // convolutional
    const { code, stderr } = await run("train", ...args, "--run", "told");
    expect([code, stderr]).toEqual([0, expect.stringContaining("; labels of 3 classes\n")]);
    expect(stderr).toContain("vae sample --run told --by-class");
    expect((await run("sample", "--run", "told", "--by-class")).code).toBe(0);
  });

  it("resumes to the same bytes as an uninterrupted training", async () => {
    await train("half", "--dataset", "tiny", "--epochs", "1");
    const resumed = await run("train", "--resume", "half", "--epochs", "2", "--quiet");
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    const [half, whole] = [outcomeOf(at("half")), outcomeOf(at("digits"))];
    expect({ ...half, pictures: [] }).toEqual({ ...whole, pictures: [] });
  });

  it("refuses to resume if the labels of the images have changed", async () => {
    cpSync(at("tiny"), at("relabelled"), { recursive: true });
    const file = at("relabelled", "train-labels-idx1-ubyte");
    const labels = readFileSync(file);
    [labels[8], labels[9]] = [labels[9], labels[8]];
    writeFileSync(file, labels);
    const args = ["train", "--resume", "digits", "--epochs", "3", "--dataset", "relabelled"];
    await expectRefusal(
      args,
      /relabelled is not the data set that digits was trained on: .*, but with other content\./,
    );
  });

  it("refuses data without labels, or with an unknown class", async () => {
    mkdirSync(at("plain"));
    const images = readFileSync(at("tiny", "train-images-idx3-ubyte"));
    writeFileSync(at("plain", "train-images-idx3-ubyte"), images);
    const problem = /^error: --conditional needs labels, and the images of plain have none\. Give a folder of images/;
    await expectRefusal(["train", "--conditional", "--dataset", "plain", "--run", "none"], problem);

    cpSync(at("tiny"), at("eleven"), { recursive: true });
    const labels = readFileSync(at("eleven", "t10k-labels-idx1-ubyte"));
    labels[8] = 11;
    writeFileSync(at("eleven", "t10k-labels-idx1-ubyte"), labels);
    const unknown = "The test images have the class 11, and the model was trained on 0, 1, 2,";
    await expectRefusal(["train", "--conditional", "--dataset", "eleven", "--run", "none"], unknown);

    rmSync(at("eleven", "t10k-labels-idx1-ubyte"));
    const missing = "The test images have no labels, and a conditional model needs the class of each.";
    await expectRefusal(["train", "--conditional", "--dataset", "eleven", "--run", "none"], missing);
  });

  it("trains on chosen classes only, and matches the classes of other data by name", async () => {
    expect((await train("some", "--dataset", "tiny", "--classes", "2,0", "--epochs", "1")).code).toBe(0);
    expect(configOf("some").data.classes).toMatchObject([{ name: "0" }, { name: "2" }]);
    const unknown = "These images have the class 7, and the model was trained on 0, 2.";
    await expectRefusal(["evaluate", "--run", "some", "--dataset", "tiny"], unknown);
    // In these folders, the classes have the numbers 0 and 1.
    await writeClasses("folders", ["0"], 30);
    cpSync(at("animals", "Ärger, laut"), at("folders", "2"), { recursive: true });
    const [model, other] = [await loadModel(at("some")), await datasets.load(at("folders"))];
    const names = Array.from(other.test.labels ?? [], (label) => (label === 0 ? "0" : "2"));
    expect(new Set(names).size).toBe(2);
    const images = datasets.read(other, "test");
    expect((await model.encode(other.test)).z).toEqual((await model.encode(images, { labels: names })).z);
    const swapped = names.map((name) => (name === "0" ? "2" : "0"));
    expect((await model.encode(images, { labels: swapped })).z).not.toEqual((await model.encode(other.test)).z);
    await model.close();
    expect((await run("evaluate", "--run", "some", "--dataset", "folders", "--json")).code).toBe(0);
  });

  it("refuses a configuration with missing or wrong classes", async () => {
    for (const [name, change] of [
      ["lost", { classes: undefined }],
      ["empty", { classes: [] }],
      [
        "double",
        {
          classes: [
            { name: "a", images: 1 },
            { name: "a", images: 1 },
          ],
        },
      ],
    ] as const) {
      cpSync(at("digits"), at(name), { recursive: true });
      const config = configOf(name);
      writeFileSync(at(name, "config.json"), JSON.stringify({ ...config, data: { ...config.data, ...change } }));
      await expectRefusal(["sample", "--run", name], "is not the configuration of a run");
    }
    const config = configOf("digits");
    writeFileSync(
      at("lost", "config.json"),
      JSON.stringify({ ...config, data: { ...config.data, classes: config.data.classes.slice(1) } }),
    );
    await expectRefusal(["sample", "--run", "lost"], "encoder.0.weight is [59,16], but must be [58,16].");
  });
});

describe("samples of a conditional model", () => {
  it("have the given class, or classes drawn by their shares of the training images", async () => {
    const { z } = await digits.encode(data.test);
    expect(z.shape).toEqual([120, 2]);
    const classes = digits.classes ?? [];
    const places = Array.from({ length: 12 }, (_, i) => drawPlace(classes, 5, i));
    expect(new Set(places).size).toBeGreaterThan(3);
    const drawn = await digits.sample(12, { seed: 5 });
    for (const [i, place] of places.entries()) {
      const { data: alone } = await digits.sample(12, { seed: 5, class: classes[place].name });
      const row = (of: Float32Array) => of.subarray(49 * i, 49 * (i + 1));
      expect(relativeError(row(drawn.data), row(alone))).toBeLessThan(1e-5);
    }
    expect(await digits.sample(2, { class: 7 })).toEqual(await digits.sample(2, { class: "7" }));
    expect(await digits.sample(2, { class: 7 })).not.toEqual(await digits.sample(2, { class: "1" }));
  });

  it("have classes in the proportions of the training images", () => {
    const classes = [
      { name: "rare", images: 100 },
      { name: "usual", images: 900 },
    ];
    const count = 10_000;
    const rare = Array.from({ length: count }, (_, i) => drawPlace(classes, 0, i)).filter((place) => place === 0);
    expect(Math.abs(rare.length / count - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / count));
  });

  it("of 10 are the first of 1,000, in parts too", async () => {
    const many = await digits.sample(1000, { seed: 1 });
    const few = await digits.sample(10, { seed: 1 });
    expect(relativeError(many.data.subarray(0, 490), few.data)).toBeLessThan(1e-5);
    let first: Float32Array | undefined;
    for await (const part of digits.sampleParts(1000, { seed: 1, class: 3 })) first ??= part.data;
    expect(first?.subarray(0, 490)).toEqual((await digits.sample(1000, { seed: 1, class: 3 })).data.subarray(0, 490));
  });

  it("by class have a row per class, with the same z in each column", async () => {
    const samples = [];
    for (const { name } of named.classes ?? []) samples.push(...(await named.sample(4, { seed: 2, class: name })).data);
    const { picture, ...counts } = await named.pictures.classes(4, 2);
    expect(counts).toEqual({ columns: 4, shown: 3, of: 3 });
    const images = { pixels: Float32Array.from(samples), width: 7, height: 7, channels: 1 };
    expect(picture).toEqual(classesFigure(images, 4, [...NAMES].sort()));
    expect((await named.pictures.classes()).columns).toBe(10);
  });

  it("of the command equal the library's, and have their own file names", async () => {
    const files = async (...args: string[]) => (await run("sample", "--run", "named", ...args)).stdout.trim();
    const byClass = await files("--by-class");
    expect(byClass).toBe(path.join("named/pictures/samples-by-class-n10-seed0.png"));
    expect(readFileSync(at(byClass))).toEqual(Buffer.from(encodePng((await named.pictures.classes(10, 0)).picture)));
    // Training draws the same picture after each epoch.
    expect(readFileSync(at("named/pictures/samples/001.png"))).toEqual(readFileSync(at(byClass)));
    expect(await files("--class", "dog", "--n", "5")).toMatch(/samples-class-dog-n5-seed0\.png$/);
    expect(await files("--class", "Ärger, laut", "--n", "5")).toMatch(/samples-class-number-\d-n5-seed0\.png$/);
    expect(await files("--n", "5")).toMatch(/samples-n5-seed0\.png$/);
    expect(await files("--each", "five", "--n", "5", "--class", "cat")).toBe("5 pictures in five");
  });

  it.each([
    [["--class", "bird"], 'error: This model has no class "bird". It has cat, dog, Ärger, laut.'],
    [["--class", ""], "It must not be empty."],
    [["--class", "cat", "--by-class"], "cannot be used with"],
    [["--each", "folder", "--by-class"], "cannot be used with"],
    [
      ["--by-class", "--from", "mixture"],
      "--by-class draws z from the prior: leave out --from mixture and --components.",
    ],
    [
      ["--components", "5", "--by-class"],
      "--by-class draws z from the prior: leave out --from mixture and --components.",
    ],
    [["--by-class", "--n", "1000000"], "A picture holds up to"],
  ])("are refused: %j", async (args, problem) => {
    await expectRefusal(["sample", "--run", "named", ...args], problem);
  });
});

describe("a picture of many classes", () => {
  it("shows the first hundred, and prints a note", async () => {
    mkdirSync(at("many"));
    const [count, K] = [2400, 120];
    writeFileSync(at("many", "train-images-idx3-ubyte"), idx([count, 2, 2], new Uint8Array(4 * count).fill(100)));
    const labels = Array.from({ length: count }, (_, i) => i % K);
    writeFileSync(at("many", "train-labels-idx1-ubyte"), idx([count], labels));
    expect((await train("rows", "--dataset", "many", "--epochs", "1", "--dim-z", "1")).code).toBe(0);
    const { code, stderr } = await run("sample", "--run", "rows", "--by-class", "--n", "2");
    const problem = "The picture shows the first 100 of 120 classes. --class draws any of them.\n";
    expect([code, stderr]).toEqual([0, expect.stringContaining(problem)]);
  });
});

describe("vae reconstruct of a conditional model", () => {
  it("decodes test images as another class too, in a second row", async () => {
    const { code, stdout } = await run("reconstruct", "--run", "digits", "--n", "10", "--as", "3");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^−ELBO [^\n]*\ndigits\/pictures\/reconstructions-as-class-3-n10-seed0\.png\n$/);
    const own = (await digits.pictures.reconstructions(10, "none", 0)).picture;
    const other = (await digits.pictures.reconstructions(10, "none", 0, { as: 3 })).picture;
    expect([find(own, "as 3"), find(other, "as 3")].map(({ length }) => length)).toEqual([0, 1]);
    expect(other.height).toBeGreaterThan(1.4 * own.height);
  });

  it("decodes image files with the given class, and requires one", async () => {
    writeFileSync(
      at("seven.png"),
      encodePng({ width: 7, height: 7, channels: 1, pixels: new Uint8Array(49).fill(99) }),
    );
    const input = ["reconstruct", "--run", "digits", "--input", "seven.png"];
    expect((await run(...input, "--class", "7", "--as", "1")).code).toBe(0);
    const problem = "A conditional model needs the class of image files. Give --class: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.";
    await expectRefusal(input, problem);
    await expectRefusal([...input, "--class", "x"], 'This model has no class "x".');
    await expectRefusal(["reconstruct", "--run", "digits", "--class", "7"], "--class is for image files");
    // As the images have this class, both rows are equal.
    const { picture } = await digits.pictures.reconstructionsOf([at("seven.png")], false, "none", 0, {
      class: 7,
      as: 7,
    });
    const [output, as] = [1, 2].map((row) => {
      const top = 2 + 93 * row + 46; // the middle of the tile, magnified 13 times
      return picture.pixels.subarray((top + 1) * picture.width - 60, (top + 1) * picture.width - 10);
    });
    expect(as).toEqual(output);
    expect(new Set(output).size).toBeGreaterThan(1);
  });

  it("in the library decodes each image as its class, or as another", async () => {
    const few = { ...data.test, count: 9 };
    const labels = Array.from(few.labels?.subarray(0, 9) ?? [], String);
    const { z } = await digits.encode(few);
    expect(await digits.reconstruct(few)).toEqual(await digits.decode(z, { labels }));
    expect(await digits.reconstruct(few, { as: "3" })).toEqual(await digits.decode(z, { class: 3 }));
    const images = datasets.read(data, "test", 0, 9);
    expect((await digits.encode(images, { labels })).z).toEqual(z);
    expect((await digits.encode(images, { class: 3 })).z).not.toEqual(z);
    const parts = [];
    for await (const part of digits.decodeParts(z, { labels })) parts.push(part);
    expect(parts).toEqual([await digits.decode(z, { labels })]);
  });
});

describe("other pictures of a conditional model", () => {
  it("are manifolds of the given class, which is required", async () => {
    const { stdout } = await run("manifold", "--run", "digits", "--size", "3x3", "--class", "4");
    expect(stdout).toBe(`${path.join("digits/pictures/manifold-class-4-3x3-2.png")}\n`);
    const grid = { columns: 3, rows: 3, spacing: "linear", range: 2 } as const;
    expect(await digits.pictures.manifold({ ...grid, class: 4 })).not.toEqual(
      await digits.pictures.manifold({ ...grid, class: 5 }),
    );
    await expectRefusal(
      ["manifold", "--run", "digits"],
      "A conditional model needs the class of z. Give --class: 0, 1,",
    );
  });

  it("are interpolations between labels too, or within one class", async () => {
    const args = ["interpolate", "--run", "digits", "--from", "0", "--to", "1", "--steps", "3"];
    expect((await run(...args)).stdout).toMatch(/interpolation-0-1-n3\.png\n$/);
    expect((await run(...args, "--class", "4")).stdout).toMatch(/interpolation-class-4-0-1-n3\.png\n$/);
    const pictures = [{}, { class: 4 }, { class: 7 }].map((options) =>
      digits.pictures.interpolations([[0, 1]], 3, options),
    );
    const bytes = (await Promise.all(pictures)).map(({ pixels }) => Buffer.from(pixels).toString("base64"));
    expect(new Set(bytes).size).toBe(3);
    // Between images of one class, every step has its label.
    const sevens = [...(data.test.labels ?? []).entries()].flatMap(([i, label]) => (label === 7 ? i : []));
    const pair = [sevens[0], sevens[1]] as const;
    expect(await digits.pictures.interpolations([pair], 4)).toEqual(
      await digits.pictures.interpolations([pair], 4, { class: "7" }),
    );
  });

  it("are latents of test images with their labels", async () => {
    expect((await run("latent", "--run", "digits", "--n", "20")).code).toBe(0);
  });
});

describe("latents of a conditional model", () => {
  it.each(["jsonl", "npz", "csv"])("keep their classes from encode to decode: %s", async (format) => {
    for (const [name, model] of [
      ["digits", digits],
      ["named", named],
    ] as const) {
      expect((await run("encode", "--run", name, "--out", `z.${format}`)).code).toBe(0);
      const { code, stderr } = await run("decode", "--run", name, "--input", `z.${format}`, "--out", "x.npy");
      expect([code, stderr]).toEqual([0, ""]);
      const { test } = await model.loadData();
      const decoded = parseNpy(readFileSync(at("x.npy")), "x.npy");
      expect(relativeError(decoded.data, (await model.reconstruct(test)).data)).toBeLessThan(1e-5);
      await run(
        "decode",
        "--run",
        name,
        "--input",
        `z.${format}`,
        "--class",
        model.classes?.[1].name ?? "",
        "--out",
        "y.npy",
      );
      expect(parseNpy(readFileSync(at("y.npy")), "y.npy").data).not.toEqual(decoded.data);
    }
  });

  it("of arrays have the given class", async () => {
    const images = await vaeBytes("encode --run digits --n 3 --format npy".split(" "), home);
    await expectRefusal(["encode", "--run", "digits", "--input", "three.npy"], "no such file");
    writeFileSync(at("z.npy"), images.stdout);
    await expectRefusal(["decode", "--run", "digits", "--input", "z.npy"], "A conditional model needs the class of z.");
    const decode = ["decode", "--run", "digits", "--input", "z.npy", "--class", "2", "--out", "three.npy"];
    expect((await run(...decode)).code).toBe(0);
    const encode = ["encode", "--run", "digits", "--input", "three.npy"];
    await expectRefusal(encode, "A conditional model needs the class of the images. Give --class: 0, 1,");
    for (const format of ["jsonl", "csv", "npz"]) {
      expect((await run(...encode, "--class", "2", "--out", `three.${format}`)).code).toBe(0);
      const again = ["decode", "--run", "digits", "--input", `three.${format}`, "--out", "again.npy"];
      expect(await run(...again)).toMatchObject({ code: 0, stderr: "" });
    }
    expect(readFileSync(at("three.jsonl"), "utf8")).toMatch(/^\{"image":0,"class":"2","z":\[/);
  });

  it("with an unknown class, or without one in some lines, are refused", async () => {
    writeFileSync(at("bad.jsonl"), '{"z":[0,0],"class":"bird"}\n');
    await expectRefusal(["decode", "--run", "digits", "--input", "bad.jsonl"], 'This model has no class "bird".');
    writeFileSync(at("bad.jsonl"), '{"z":[0,0],"class":"3"}\n{"z":[0,0]}\n');
    await expectRefusal(["decode", "--run", "digits", "--input", "bad.jsonl"], "needs the class of z.");
    writeFileSync(at("bad.jsonl"), '{"z":[0,0],"class":{}}\n');
    await expectRefusal(["decode", "--run", "digits", "--input", "bad.jsonl"], "needs the class of z.");
  });
});

it("vae evaluate names the bound of a conditional model", async () => {
  await train("white", "--dataset", "tiny", "--binarize", "dynamic", "--epochs", "1");
  const { stdout } = await run("evaluate", "--run", "white", "--n", "5", "--importance-samples", "10");
  for (const name of ["−log p(x|y) ", "mean of log p(x|z,y)", "KL(q(z|x,y) ‖ p(z))", "an upper bound on −log p(x|y)"]) {
    expect(stdout).toContain(name);
  }
  expect(stdout).toMatch(/^nats per image of dynamically binarized pixels; the encoder sees the labels$/m);
  expect(stdout).not.toMatch(/log p\(x\)|p\(x\|z\)/);
  const { stdout: json } = await run("evaluate", "--run", "white", "--n", "5", "--importance-samples", "10", "--json");
  expect(JSON.parse(json)).toMatchObject({ isOwnData: true, images: 5 });
  expect(JSON.parse(json).likelihood.nll).toBeGreaterThan(0);
});

it("vae evaluate names bits per dimension of a conditional model by its likelihood", async () => {
  await train("bytes", "--dataset", "tiny", "--set", "likelihood=logistic", "--epochs", "1");
  const { stdout } = await run("evaluate", "--run", "bytes", "--n", "5", "--importance-samples", "10");
  expect(stdout).toMatch(/^bits per dim .*−log p\(x\|y\): /m);
});

it("vae runs shows the setting", async () => {
  expect((await run("runs", "--dir", ".")).stdout).toMatch(/^digits .*\n? .* conditional=true/m);
});

describe("a model without labels", () => {
  it.each([
    ["sample", "--class", "7"],
    ["sample", "--by-class"],
    ["sample", "--class", "7", "--each", "none"],
    ["reconstruct", "--as", "7"],
    ["reconstruct", "--input", "tiny.png", "--class", "7"],
    ["manifold", "--class", "7"],
    ["interpolate", "--from", "0", "--to", "1", "--class", "7"],
    ["encode", "--class", "7"],
    ["decode", "--input", "two.jsonl", "--class", "7"],
  ])("refuses class flags: %s %s", async (command, ...args) => {
    writeFileSync(at("two.jsonl"), '{"z":[0,1],"class":"7"}\n');
    const problem = "error: This model is not conditional. Train one with --conditional.\n";
    await expectRefusal([command, "--run", "run", ...args], problem);
    expect(existsSync(at("none"))).toBe(false);
  });

  it("decodes latents of files with classes", async () => {
    writeFileSync(at("two.jsonl"), '{"z":[0,1],"class":"7"}\n');
    expect((await run("decode", "--run", "run", "--input", "two.jsonl", "--out", "two.npy")).code).toBe(0);
  });
});

describe("arguments of a conditional model", () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
  const wrong = (value: unknown) => value as any;
  const z = [
    [0, 1],
    [2, 3],
  ];
  it.each([
    ["a missing class", () => digits.decode(z), "A conditional model needs the class of z. Give `class`: 0, 1,"],
    ["a class and labels", () => digits.decode(z, { class: 1, labels: [1, 2] }), "Give `class` or `labels`, not both."],
    ["too few labels", () => digits.decode(z, { labels: [1] }), "There are 1 `labels` for 2 rows."],
    [
      "labels in a text",
      () => digits.decode(z, wrong({ labels: "12" })),
      'The option labels is "12". It must be an array.',
    ],
    ["an object as the class", () => digits.decode(z, wrong({ class: {} })), "It must be the name of a class."],
    ["an array with holes", () => digits.decode(z, wrong({ labels: new Array(2) })), "It must be the name of a class."],
    [
      "an unknown class among the labels",
      () => digits.decode(z, { labels: ["1", "bird"] }),
      'This model has no class "bird".',
    ],
    ["images without labels", () => digits.encode([new Array(49).fill(0)]), "needs the class of the images."],
    [
      "a split without labels",
      () => digits.encode({ ...data.test, labels: undefined }),
      "needs the class of the images.",
    ],
    [
      "labels of the wrong type",
      () => digits.encode(wrong({ ...data.test, labels: [1] })),
      "It must be a Uint16Array.",
    ],
    [
      "too few labels of a split",
      () => digits.encode({ ...data.test, labels: new Uint16Array(3) }),
      "These images have no labels",
    ],
    ["null as the class of samples", () => digits.sample(2, wrong({ class: null })), "The option class is null."],
    ["labels of samples", () => digits.sample(2, wrong({ labels: [1, 2] })), 'Unknown option "labels".'],
    ["an unknown class to decode as", () => digits.reconstruct(data.test, { as: "x" }), 'This model has no class "x".'],
    ["no columns", () => digits.pictures.classes(0), "The number of columns is 0."],
  ])("are refused: %s", async (_, call, problem) => {
    const error = await (async () => call())().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(problem);
  });
});
