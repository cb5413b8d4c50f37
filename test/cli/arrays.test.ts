// vae encode and vae decode through files and standard streams. test/system/pipes.test.ts tests real pipes.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy, parseNpy } from "../../src/formats/npy.js";
import { encodeZip } from "../../src/formats/zip.js";
import { datasets, drawImages, encodePng, type HostArray, type LoadedModel, loadModel } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import { array, copyTiny, weyl } from "../helpers.js";
import { vae, vaeBytes } from "../vae.js";

const TEST_IMAGES = 120;
let home: string;
let model: LoadedModel;
let data: datasets.Dataset;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-arrays-"));
  copyTiny(home);
  mkdirSync(at("runs"));
  renameSync(at("run"), at("runs/a"));
  model = await loadModel(at("runs/a"));
  data = await datasets.load(at("tiny"));
});
afterAll(async () => {
  await model.close();
  rmSync(home, { recursive: true });
});

/** Runs `vae …` with bytes as standard input. Standard output is bytes too. */
async function pipe(args: string, input: Uint8Array | string = "") {
  const { stdout, ...outcome } = await vaeBytes(args.split(" "), home, input);
  return { ...outcome, stdout: new Uint8Array(stdout) };
}

const firstTen = () => datasets.read(data, "test", 0, 10);
const lines = (text: Uint8Array) =>
  Buffer.from(text)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const readNpy = (bytes: Uint8Array) => {
  const { dtype, data, shape } = parseNpy(bytes, "written");
  expect(dtype).toBe("float32");
  return { data, shape };
};

describe("vae encode", () => {
  it("writes JSON lines with the number, source, label, z and sigma of each image", async () => {
    const { code, stdout, stderr } = await pipe("encode --n 10");
    expect([code, stderr]).toEqual([0, ""]);
    const { z, sigma } = await model.encode({ ...data.test, count: 10 });
    const row = (of: HostArray, i: number) => [...of.data.subarray(2 * i, 2 * i + 2)];
    lines(stdout).forEach((line, i) => {
      expect(Object.keys(line)).toEqual(["image", "split", "row", "label", "z", "sigma"]);
      expect([line.image, line.split, line.row, line.label]).toEqual([i, "test", i, data.test.labels?.[i]]);
      expect([line.z.map(Math.fround), line.sigma.map(Math.fround)]).toEqual([row(z, i), row(sigma as HostArray, i)]);
    });
    expect(lines(stdout)).toHaveLength(10);
  });

  it("writes a .npy file of all images, and prints its path", async () => {
    const { code, stdout } = await vae(["encode", "--out", "z.npy"], home);
    expect([code, stdout]).toEqual([0, "z.npy\n"]);
    expect(readNpy(readFileSync(at("z.npy")))).toEqual((await model.encode(data.test)).z);
    expect(readNpy((await pipe("encode --format npy")).stdout)).toEqual((await model.encode(data.test)).z);
    expect((await vae(["encode", "--out", "z.jsonl"], home)).stdout).toBe("z.jsonl\n");
    expect(lines(readFileSync(at("z.jsonl")))).toHaveLength(TEST_IMAGES);
  });

  it("encodes other splits, in several batches", async () => {
    for (const split of ["train", "validation"] as const) {
      const { z } = readAndCheck((await pipe(`encode --split ${split}`)).stdout);
      expect(z).toEqual((await model.encode(data[split])).z.data);
    }
    expect(data.train.count).toBeGreaterThan(500);
  });

  it("encodes another data set with images of the same size", async () => {
    await writeTinyMnist(at("other"), 240, 30);
    const { z } = await model.encode((await datasets.load(at("other"))).validation);
    expect(readNpy((await pipe("encode --dataset other --split validation --format npy")).stdout)).toEqual(z);
    const { code, stderr } = await pipe("encode --dataset mnist");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: mnist has images of 28×28, and arrays are not scaled to [^\n]*\. Give [^\n]*\n$/),
    ]);
  });

  function readAndCheck(stdout: Uint8Array) {
    const all = lines(stdout);
    expect(all.map(({ image }) => image)).toEqual([...all.keys()]);
    return { z: Float32Array.from(all.flatMap(({ z }) => z)) };
  }

  it("encodes arrays of bytes, floats and bits, from a file or a pipe", async () => {
    const { data: bytes, shape } = firstTen();
    const { z } = await model.encode({ data: bytes, shape });
    const floats = array(
      Float32Array.from(bytes, (byte) => byte / 255),
      [10, 49],
    );
    const double = npy("<f8", "(10, 7, 7)", new Uint8Array(Float64Array.from(floats.data).buffer));
    writeFileSync(at("ten.npy"), encodeNpy({ data: bytes, shape }));
    expect(readNpy((await pipe("encode --input ten.npy --format npy")).stdout)).toEqual(z);
    expect(readNpy((await pipe("encode --input - --format npy", encodeNpy({ data: bytes, shape }))).stdout)).toEqual(z);
    for (const input of [encodeNpy(floats), double]) {
      expect(readNpy((await pipe("encode --input - --format npy", input)).stdout)).toEqual(
        (await model.encode(floats)).z,
      );
    }
    const bits = npy(
      "|b1",
      "(10, 49)",
      bytes.map((byte) => byte >> 7),
    );
    const black = { data: bytes.map((byte) => 255 * (byte >> 7)), shape };
    expect(readNpy((await pipe("encode --input - --format npy", bits)).stdout)).toEqual((await model.encode(black)).z);
    const columns = Uint8Array.from(
      bytes,
      (_, i) => bytes[(i % 10) * 49 + 7 * (Math.floor(i / 10) % 7) + Math.floor(i / 70)],
    );
    const fortran = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (10, 7, 7), }", columns);
    expect(readNpy((await pipe("encode --input - --format npy", fortran)).stdout)).toEqual(z);
    const two = lines((await pipe("encode --input ten.npy --n 2")).stdout);
    expect(two.map((line) => Object.keys(line))).toEqual(new Array(2).fill(["image", "z", "sigma"]));
  });

  it("draws from the posteriors, with the same draws for the same seed", async () => {
    const encoded = async (more: string) => readNpy((await pipe(`encode --format npy${more}`)).stdout);
    const [means, draws] = [await encoded(""), await encoded(" --draws")];
    const [same, others] = [await encoded(" --draws --seed 0"), await encoded(" --draws --seed 1")];
    expect(draws).toEqual((await model.encode(data.test, { what: "draws" })).z);
    expect(same).toEqual(draws);
    expect(others).not.toEqual(draws);
    expect(means).not.toEqual(draws);
  });
});

describe("vae decode", () => {
  const z = array(weyl(2 * 700, -2, 2), [700, 2]);

  it("decodes a .npy file, an .npz, a table or JSON lines, in several batches", async () => {
    const images = await model.decode(z);
    expect(readNpy((await pipe("decode", encodeNpy(z))).stdout)).toEqual(images);
    writeFileSync(at("places.npy"), encodeNpy(z));
    expect(await pipe("decode --input places.npy --out images.npy")).toEqual({
      code: 0,
      stdout: new TextEncoder().encode("images.npy\n"),
      stderr: "",
    });
    expect(readNpy(readFileSync(at("images.npy")))).toEqual(images);
    const text = Array.from({ length: 700 }, (_, i) => `{"z":[${[...z.data.subarray(2 * i, 2 * i + 2)]}]}\n`).join("");
    expect(readNpy((await pipe("decode", text)).stdout)).toEqual(images);
    expect(readNpy((await pipe("decode", `\ufeff${text}`)).stdout)).toEqual(images);
    const archive = encodeZip([
      ["label.npy", encodeNpy(array([1, 2]))],
      ["z.npy", encodeNpy(z)],
    ]);
    expect(readNpy((await pipe("decode", archive)).stdout)).toEqual(images);
    const rows = Array.from({ length: 700 }, (_, i) => z.data.subarray(2 * i, 2 * i + 2));
    const tables = [
      rows.map(([x, y]) => `${x},${y}\n`),
      rows.map(([x, y]) => `${x} ${y}\n`),
      ["z0,z1\n", ...rows.map(([x, y]) => `${x},${y}\n`)],
      ["sigma1;z1;file;z0\r\n", ...rows.map(([x, y]) => `9;${y};"7;\n""x""";${x}\r\n`)],
    ];
    for (const table of tables) {
      writeFileSync(at("z.csv"), table.join(""));
      expect(readNpy((await pipe("decode --input z.csv --format npy")).stdout)).toEqual(images);
      expect(readNpy((await pipe("decode", table.join(""))).stdout)).toEqual(images);
    }
  });

  it("draws a grid", async () => {
    const few = array(z.data.subarray(0, 8), [4, 2]);
    const expected = new Uint8Array(encodePng(drawImages(await model.decode(few))));
    expect((await pipe("decode --format png", encodeNpy(few))).stdout).toEqual(expected);
    expect((await pipe("decode --out few.png", encodeNpy(few))).code).toBe(0);
    expect(new Uint8Array(readFileSync(at("few.png")))).toEqual(expected);
  });

  it("reads integers and doubles", async () => {
    const places = npy("<i8", "(1, 2)", new Uint8Array(BigInt64Array.of(1n, -2n).buffer));
    expect(readNpy((await pipe("decode", places)).stdout)).toEqual(await model.decode(array([1, -2], [1, 2])));
  });
});

describe("vae encode and vae decode exit with code 2 and one line for:", () => {
  const nan = encodeNpy(array([1, 2, 3, Number.NaN], [2, 2]));
  const z = encodeNpy(array([1, 2, 3], [1, 3]));
  const floats = (shade: number) => encodeNpy(array(new Array(98).fill(shade), [2, 49]));

  it.each([
    [
      "images of a different size",
      "encode --input -",
      encodeNpy({ data: new Uint8Array(56), shape: [1, 7, 8] }),
      "the shape (1, 7, 8), images of 8×7. This model takes [N, 7, 7], images of 7×7.",
    ],
    [
      "no images",
      "encode --input -",
      encodeNpy({ data: new Uint8Array(), shape: [0, 7, 7] }),
      "has the shape (0, 7, 7). No size may be 0.",
    ],
    ["nothing", "encode --input -", "", "standard input is not a valid .npy file: it does not begin with"],
    ["a text", "encode --input -", "0,0,1\n", "standard input is not a valid .npy file: it does not begin with"],
    [
      "a truncated file",
      "encode --input -",
      encodeNpy(firstTenLike()).subarray(0, -1),
      "618 bytes in all, and it has 617",
    ],
    ["floats on no usual scale", "encode --input -", floats(9), "has only the value 9, which fits no usual scale."],
    ["NaN in an image", "encode --input -", floats(Number.NaN), "standard input holds NaN in image 0."],
    ["more images than there are", "encode --n 121", "", "There are only 120 images, fewer than the 121"],
    [
      "more images than the file has",
      "encode --n 11 --input ten.npy",
      "",
      "There are only 10 images, fewer than the 11",
    ],
    [
      "z of the wrong width",
      "decode",
      encodeNpy(array([1, 2, 3], [1, 3])),
      "shape [1,3], but this model takes [count,2]",
    ],
    ["z of one dimension", "decode", encodeNpy(array([1, 2, 3])), "shape [3], but this model takes [count,2]"],
    ["NaN in z", "decode", nan, "Latent 1 holds NaN."],
    ["NaN in z, for a file", "decode --out nan.npy", nan, "Latent 1 holds NaN."],
    ["no z", "decode", encodeNpy(array([], [0, 2])), "There are no latents."],
    ["nothing for z", "decode", "", "standard input is empty"],
    ["blank lines", "decode", "\n\n", "standard input is not a table of numbers: it is empty."],
    ["an object without z", "decode", '{"x":[1,2]}', 'line 1 must look like {"z":[0.5,-1]}.'],
    ["a table of the wrong width", "decode", "0,0,1\n", "shape [1,3], but this model takes [count,2]"],
    ["a text", "decode", "Dear Sir,\n", "standard input is not a table of numbers: it has a header, but no rows."],
    ["a table without z", "decode", "x,y\n1,2\n", "standard input has no column z0. Name the columns z0, z1, …"],
    ["a table without z1", "decode", "z0,z2\n1,2\n", "standard input has no column z1."],
    ["a text in a column of z", "decode", "z0,z1\n1,x\n", 'standard input, line 2, column "z1": "x" is not a number.'],
    ["NaN in a table", "decode", "z0,z1\n1,nan\n", "Latent 0 holds NaN."],
    [
      "an archive without z",
      "decode",
      archive({ x: z, y: z }),
      "standard input has no array z (arrays: x, y). Name the latents z.",
    ],
    ["an archive whose z has the wrong width", "decode", archive({ z }), "shape [1,3], but this model takes [count,2]"],
    ["a truncated archive", "decode", archive({ z }).subarray(0, 99), "standard input is not a readable .zip archive"],
    [
      "a picture for z",
      "decode",
      "\x89PNG\r\n\x1a\n",
      "standard input is not .npy, .npz, JSON lines or CSV. Convert it.",
    ],
    ["a .npy file with other content", "decode --input run.npy", "", "run.npy is not a valid .npy file"],
    [
      "a grid of too many images",
      "decode --format png",
      encodeNpy(array([], [1_000_001, 0])),
      "A picture holds up to 1000000 images of 7×7, and this one would hold 1000001. Write them as .npy.",
    ],
    ["a missing run", "decode --run nowhere", encodeNpy(array([1, 2], [1, 2])), "nowhere is not the folder"],
  ])("%s", async (_, args, input, problem) => {
    writeFileSync(at("run.npy"), '{"z":[1,2,3]}');
    const { code, stdout, stderr } = await pipe(args, input);
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, stdout]).toEqual([2, new Uint8Array()]);
    expect(existsSync(at("nan.npy"))).toBe(false);
    expect(readdirSync(home).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  function firstTenLike() {
    return { data: new Uint8Array(490), shape: [10, 7, 7] };
  }

  function archive(arrays: Record<string, Uint8Array>) {
    return encodeZip(Object.entries(arrays).map(([name, content]) => [`${name}.npy`, content] as const));
  }

  it("posterior draws of a plain autoencoder", async () => {
    await vae("train --dataset tiny --n-hidden 8 --batch-size 50 --epochs 1 --model ae --run ae".split(" "), home);
    const { code, stderr } = await pipe("encode --run ae --draws --out ae.npy");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: A plain autoencoder has no posterior to draw/)]);
    expect(lines((await pipe("encode --run ae --n 1")).stdout).map((line) => Object.keys(line))).toEqual([
      ["image", "split", "row", "label", "z"],
    ]);
  });
});
