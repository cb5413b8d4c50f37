// The columns that vae encode writes: source, class, z and sigma of each image. Independent code reads each format
// here; NumPy reads the archives in test/system/numpy.test.ts.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkArchiveSize } from "../../src/commands/latent-table.js";
import { parseNpy } from "../../src/formats/npy.js";
import { readZip } from "../../src/formats/zip.js";
import { type LoadedModel, loadModel } from "../../src/index.js";
import { copyTiny } from "../helpers.js";
import { vae, vaeBytes } from "../vae.js";

const PIXELS = 49;
let home: string;
let model: LoadedModel;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-latents-"));
  copyTiny(home);
  model = await loadModel(at("run"));
});
afterAll(async () => {
  await model.close();
  rmSync(home, { recursive: true });
});

const encode = async (args: string) => {
  const { code, stdout, stderr } = await vaeBytes(["encode", "--run", "run", ...args.split(" ")], home);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^(Encoding the test images, \d+ of \d+\..*\n)?$/)]);
  return stdout;
};
const linesOf = (text: Buffer) =>
  text
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
/** The arrays of an archive. Arrays of texts become lists of strings. */
const arraysOf = (archive: Uint8Array) =>
  Object.fromEntries(
    [...readZip(archive, "written")].map(([name, entry]) => {
      const file = Buffer.from(entry.read(1e6));
      const [, length] = /'<U(\d+)'/.exec(file.subarray(0, 128).toString("latin1")) ?? [];
      if (length === undefined) return [name, parseNpy(file, name)];
      const codes = new Uint32Array(new Uint8Array(file.subarray(128)).buffer);
      const texts = Array.from({ length: codes.length / Number(length) }, (_, i) =>
        String.fromCodePoint(...codes.subarray(i * Number(length), (i + 1) * Number(length))).replace(/\0+$/, ""),
      );
      return [name, { dtype: "text", shape: [texts.length], data: texts }];
    }),
  );
/** Parses CSV by RFC 4180, independently of the project's reader. */
const cellsOf = (text: Buffer) => {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.toString().matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "\n") rows.push([]);
  }
  return rows.slice(0, -1);
};
/** z of one image, encoded alone: its last bits depend on the batch. */
const placeOf = async (pixels: Uint8Array) => [...(await model.encode({ data: pixels, shape: [1, 7, 7] })).z.data];
const expectClose = (actual: number[], expected: number[]) =>
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 4);
  });

describe("latents of arrays", () => {
  it("name the split and the row of the source, in each format", async () => {
    const all = linesOf(await encode("--split validation"));
    const source = readFileSync(at("tiny", "train-images-idx3-ubyte")).subarray(16);
    const labels = readFileSync(at("tiny", "train-labels-idx1-ubyte")).subarray(8);
    expect(all.map(({ image, split }) => [image, split])).toEqual(all.map((_, i) => [i, "train"]));
    expect(all.map(({ row }) => row)).toEqual(all.map((_, i) => 600 - all.length + i));
    expect(all.map(({ label }) => label)).toEqual(all.map(({ row }) => labels[row]));
    const { row, z } = all[7];
    expectClose(z, await placeOf(Uint8Array.from(source.subarray(row * PIXELS, (row + 1) * PIXELS))));

    const arrays = arraysOf(await encode("--split validation --format npz"));
    expect(Object.keys(arrays)).toEqual(["split.npy", "row.npy", "label.npy", "z.npy", "sigma.npy"]);
    const [count, floats] = [all.length, (name: string) => Float32Array.from(all.flatMap((line) => line[name]))];
    expect(arrays["split.npy"]).toEqual({ dtype: "text", shape: [count], data: all.map(({ split }) => split) });
    expect(arrays["row.npy"]).toMatchObject({ dtype: "int64", data: Float64Array.from(all, (line) => line.row) });
    expect(arrays["label.npy"]).toMatchObject({ dtype: "uint16", data: Uint16Array.from(all, (line) => line.label) });
    expect(arrays["z.npy"]).toEqual({ dtype: "float32", shape: [count, 2], data: floats("z") });
    expect(arrays["sigma.npy"]).toEqual({ dtype: "float32", shape: [count, 2], data: floats("sigma") });

    const [header, ...rows] = cellsOf(await encode("--split validation --format csv"));
    expect(header).toEqual(["image", "split", "row", "label", "z0", "z1", "sigma0", "sigma1"]);
    expect(rows).toEqual(all.map((line) => Object.values(line).flat().map(String)));
  });

  it("of --input have only the number of the image", async () => {
    const images = [at("ten.npy"), await encode("--n 10 --format npy")] as const;
    const decoded = await vaeBytes(["decode", "--run", "run", "--format", "npy"], home, images[1]);
    writeFileSync(images[0], decoded.stdout);
    expect(Object.keys(linesOf(await encode("--input ten.npy"))[9])).toEqual(["image", "z", "sigma"]);
    expect(cellsOf(await encode("--input ten.npy --format csv"))[0].slice(0, 2)).toEqual(["image", "z0"]);
    expect(Object.keys(arraysOf(await encode("--input ten.npy --format npz")))).toEqual(["z.npy", "sigma.npy"]);
  });

  it("have the same bytes each time, in a file or a pipe", async () => {
    for (const format of ["jsonl", "csv", "npz"]) {
      expect(await encode(`--out z.${format}`)).toEqual(Buffer.from(`z.${format}\n`));
      expect(readFileSync(at(`z.${format}`))).toEqual(await encode(`--format ${format}`));
    }
  });

  it("of a plain autoencoder have no sigma", async () => {
    await vae("train --dataset tiny --n-hidden 8 --batch-size 50 --epochs 1 --model ae --run ae".split(" "), home);
    const { stdout } = await vaeBytes("encode --run ae --format csv --n 1".split(" "), home);
    expect(cellsOf(stdout)[0]).toEqual(["image", "split", "row", "label", "z0", "z1"]);
    const archive = await vaeBytes("encode --run ae --format npz --n 1".split(" "), home);
    expect(Object.keys(arraysOf(archive.stdout)).at(-1)).toBe("z.npy");
    for (const format of ["jsonl", "csv", "npz"]) {
      const args = ["encode", "--run", "ae", "--draws", "--format", format];
      expect(await vae(args, home)).toMatchObject({ code: 2, stdout: "" });
    }
  });

  it("are decoded from each format to the same images", async () => {
    const decode = async (file: string) => (await vaeBytes(["decode", "--run", "run", "--input", file], home)).stdout;
    for (const format of ["npy", "npz", "csv", "jsonl"]) await encode(`--out all.${format}`);
    const expected = await decode("all.npy");
    expect(parseNpy(expected, "decoded").shape).toEqual([120, 7, 7]);
    for (const format of ["npz", "csv", "jsonl"]) expect(await decode(`all.${format}`)).toEqual(expected);
  });

  it("of Parquet files name the row of the split, and the class", async () => {
    const shards = ["train-00000-of-00001.parquet", "none.parquet"]; // images 0 to 17 and 0 to 23
    mkdirSync(at("shards"));
    for (const [i, name] of shards.entries()) {
      const fixture = path.join(import.meta.dirname, "../fixtures/parquet", name);
      copyFileSync(fixture, at("shards", `train-0000${i}-of-00002.parquet`));
    }
    const all = [];
    for (const split of ["train", "validation", "test"]) {
      all.push(...linesOf(await encode(`--dataset shards --split ${split}`)));
    }
    all.sort((a, b) => a.row - b.row);
    expect(all.map(({ split, row }) => [split, row])).toEqual(Array.from({ length: 42 }, (_, row) => ["train", row]));
    expect(all.map((line) => line.class)).toEqual(all.map(({ row }) => ["cat", "dog"][row % 2]));
    for (const { row, z } of all.slice(0, 18)) expectClose(z, all[18 + row].z);
  });

  it("are refused as an archive if they exceed 2 GB", () => {
    expect(() => checkArchiveSize(600_000, 64)).not.toThrow();
    expect(() => checkArchiveSize(60_000_000, 20)).toThrow(
      "The latents of 60000000 images take more than 2 GB as .npz.",
    );
  });

  it("leave no file if the images cannot be encoded", async () => {
    writeFileSync(at("few.npy"), "x");
    for (const format of ["npz", "csv"]) {
      const args = ["encode", "--run", "run", "--input", "few.npy", "--out", `bad.${format}`];
      expect((await vae(args, home)).code).toBe(2);
    }
    expect(readdirSync(home).filter((name) => /^bad|\.tmp$/.test(name))).toEqual([]);
  });
});

// Windows does not allow such names.
describe.skipIf(process.platform === "win32")("latents of image files", () => {
  const ODD = [
    "a,b.png",
    'say "hi".png',
    "two\nlines\r\n.png",
    "größe 😀.png",
    " lead.png",
    ";.png",
    "1.png",
    "z0.png",
  ];
  const CLASSES = ['cats, "big"', "größe\n7"];
  const shadeOf: Record<string, number> = {};
  beforeAll(() => {
    for (const [c, name] of CLASSES.entries()) {
      mkdirSync(at("pictures", name), { recursive: true });
      for (const [i, file] of ODD.entries()) {
        const png = new PNG({ width: 7, height: 7 });
        const shade = 20 + 100 * c + 10 * i;
        for (let at = 0; at < PIXELS; at++) png.data.set([shade, shade, shade, 255], 4 * at);
        writeFileSync(at("pictures", name, file), PNG.sync.write(png));
        shadeOf[`${name}/${file}`] = shade;
      }
    }
  });

  it("name the file and the class, with any characters in their names", async () => {
    const files: string[] = [];
    for (const split of ["train", "validation", "test"]) {
      const flags = `--dataset pictures --split ${split}`;
      const all = linesOf(await encode(flags));
      for (const { file, label, class: name, z } of all) {
        expect([CLASSES[label], file.slice(0, name.length + 1)]).toEqual([name, `${name}/`]);
        expectClose(z, await placeOf(new Uint8Array(PIXELS).fill(shadeOf[file])));
      }
      const arrays = arraysOf(await encode(`${flags} --format npz`));
      expect(Object.keys(arrays)).toEqual(["file.npy", "label.npy", "class.npy", "z.npy", "sigma.npy"]);
      expect(arrays["file.npy"].data).toEqual(all.map(({ file }) => file));
      expect(arrays["class.npy"].data).toEqual(all.map((line) => line.class));
      const [header, ...rows] = cellsOf(await encode(`${flags} --format csv`));
      expect(header).toEqual(["image", "file", "label", "class", "z0", "z1", "sigma0", "sigma1"]);
      expect(rows).toEqual(all.map((line) => Object.values(line).flat().map(String)));
      files.push(...all.map(({ file }) => file));
    }
    expect(files.sort()).toEqual(Object.keys(shadeOf).sort());
  });

  it("are decoded from each format to the same images", async () => {
    const decode = async (args: string) => {
      const encoded = await encode(`--dataset pictures --split train --format ${args}`);
      return (await vaeBytes(["decode", "--run", "run", "--format", "npy"], home, encoded)).stdout;
    };
    const expected = await decode("npy");
    for (const format of ["npz", "csv", "jsonl"]) expect(await decode(format)).toEqual(expected);
  });
});
