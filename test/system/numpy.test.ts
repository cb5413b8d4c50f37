import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeNpy, parseNpy, parseNpyHeader } from "../../src/formats/npy.js";
import { encodeZip, readZip } from "../../src/formats/zip.js";
import { array, copyTiny, pythonWith, weyl } from "../helpers.js";
import cases from "../reference/npy.json" with { type: "json" };
import { vae } from "../vae.js";

const NUMPY = pythonWith("numpy");
const ARRAYS = [
  array(weyl(24, -1e30, 1e30), [2, 3, 4]),
  array([Number.NaN, Infinity, -0, 1e-45], [4]),
  array([], [0, 7]),
  { data: Uint8Array.of(0, 128, 255), shape: [3, 1] },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "vae-npy-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const python = (program: string) =>
  execFileSync(NUMPY as string, ["-c", `import numpy as np\n${program}`], { cwd: folder, encoding: "utf8" }).trim();
const read = (file: string) => readFileSync(path.join(folder, file));

it.skipIf(!NUMPY)("vae and NumPy read each other's .npy files", () => {
  for (const [i, values] of ARRAYS.entries()) {
    writeFileSync(path.join(folder, "ours.npy"), encodeNpy(values));
    const output = python(
      "x = np.load('ours.npy'); np.save('theirs.npy', x.astype(x.dtype.newbyteorder('>')));" +
        "print(x.dtype.str, *x.shape)",
    );
    expect(output).toBe([i === 3 ? "|u1" : "<f4", ...values.shape].join(" "));
    const { data, shape } = parseNpy(read("theirs.npy"), "theirs.npy");
    expect({ data, shape }).toEqual(values);
  }
});

it.skipIf(!NUMPY)("vae and NumPy read each other's .npz files", () => {
  const entries = ARRAYS.map((values, i) => [`größe ${i}.npy`, encodeNpy(values)] as const);
  writeFileSync(path.join(folder, "ours.npz"), encodeZip(entries));
  const output = python(
    "x = dict(np.load('ours.npz')); np.savez('a.npz', **x); np.savez_compressed('b.npz', **x); print(len(x))",
  );
  expect(output).toBe("4");
  for (const file of ["a.npz", "b.npz"]) {
    const archive = [...readZip(read(file), file)].map(([name, entry]) => [name, entry.read(1000)] as const);
    expect(archive.map(([name]) => name)).toEqual(entries.map(([name]) => name));
    for (const [i, [, content]] of archive.entries()) {
      const { data, shape } = parseNpy(content, file);
      expect({ data, shape }).toEqual(ARRAYS[i]);
    }
  }
});

it.skipIf(!NUMPY)("Fortran order is read in row-major order: from .npy and .npz, of all types and ranks", () => {
  const types = ["|b1", "|u1", "|i1", "<u2", ">i2", "<i4", ">u4", "<i8", ">u8", "<f2", "<f4", ">f8"];
  const shapes = [[3], [2, 3], [4, 3, 2], [2, 3, 1, 4], [2, 2, 3, 2, 2], [3, 0, 2]];
  const cases = types.flatMap((type) => shapes.map((shape) => ({ type, shape })));
  writeFileSync(path.join(folder, "cases.json"), JSON.stringify(cases));
  const program = `
import json
for i, case in enumerate(json.load(open("cases.json"))):
    shape = case["shape"]
    x = np.asfortranarray(np.arange(np.prod(shape)).reshape(shape).astype(case["type"]))
    np.save(f"{i}.npy", x)
    np.savez_compressed(f"{i}.npz", x=x)
    print(json.dumps(x.astype(float).ravel().tolist()))`;
  const lines = python(program).split("\n");
  for (const [i, { shape }] of cases.entries()) {
    const archived = readZip(read(`${i}.npz`), "x.npz")
      .get("x.npy")
      ?.read(10_000) as Uint8Array;
    for (const bytes of [read(`${i}.npy`), archived]) {
      const parsed = parseNpy(bytes, "x.npy");
      expect([parsed.shape, [...parsed.data]]).toEqual([shape, JSON.parse(lines[i])]);
      const isBoth = shape.length === 1 || shape.includes(0); // both orders are equal
      expect(parseNpyHeader(bytes, "x.npy").isFortran).toBe(!isBoth);
    }
  }
});

it.skipIf(!NUMPY)("NumPy runs the conversions that error messages suggest, and vae reads the results", () => {
  const refused = cases.filter(({ values }) => values === null);
  expect(refused.length).toBeGreaterThan(8);
  for (const { file, kind } of refused) {
    const bytes = Buffer.from(file, "base64");
    writeFileSync(path.join(folder, "x.npy"), bytes);
    let advice = "";
    try {
      parseNpy(bytes, "x.npy");
    } catch (error) {
      [advice] = /np\.save\(.*\)(?=\.$)/.exec((error as Error).message) as RegExpExecArray;
    }
    const named = advice.replace('["name"]', '["x"]').replace('["field"]', '["größe"]');
    python(`x = np.load('x.npy', allow_pickle=True); ${named}`);
    expect(parseNpy(read("new.npy"), kind).data.length).toBeGreaterThan(0);
    expect(read("x.npy").equals(bytes)).toBe(true);
  }
});

/** Runs `vae encode` on the small run, and returns the lines that it writes as JSON. */
async function encode(flags: string) {
  for (const format of ["npz", "csv"]) {
    const args = `encode --run run ${flags} --out latents.${format}`.split(" ");
    expect(await vae(args, folder)).toMatchObject({ code: 0, stderr: "" });
  }
  const { stdout } = await vae(`encode --run run ${flags}`.split(" "), folder);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
const PRINT =
  "import json; x = np.load('latents.npz'); print(json.dumps({k: [x[k].dtype.str, x[k].tolist()] for k in x}))";
const CSV =
  "import json, csv; print(json.dumps(list(csv.DictReader(open('latents.csv', newline='', encoding='utf-8')))))";

it.skipIf(!NUMPY)("NumPy reads the latents of arrays, as docs/python.md shows", async () => {
  copyTiny(folder);
  const all = await encode("--split validation");
  const arrays = JSON.parse(python(PRINT));
  expect(Object.keys(arrays)).toEqual(["split", "row", "label", "z", "sigma"]);
  const dtypes = { split: "<U5", row: "<i8", label: "<u2", z: "<f4", sigma: "<f4" };
  for (const [name, dtype] of Object.entries(dtypes)) {
    const [found, values] = arrays[name];
    expect(found).toBe(dtype);
    expect(values.flat().map(shorten)).toEqual(all.flatMap((line) => line[name]));
  }
  const [block] = /import numpy\n\nlatents = [^`]*/.exec(readFileSync("docs/python.md", "utf8")) ?? [];
  const output = execFileSync(NUMPY as string, ["-c", block as string], { cwd: folder, encoding: "utf8" });
  const labels = new Set(all.map(({ label }) => label));
  expect(output.trimEnd().split("\n")).toHaveLength(labels.size);
  expect(output).toMatch(/^(\d \[ *-?[\d.]+ +-?[\d.]+ *\] train \[\d+( \d+)*\]\n)+$/);
});

/** Rounds to the nine digits of JSON lines. */
const shorten = (value: unknown) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);

// Windows does not allow such names.
it.skipIf(!NUMPY || process.platform === "win32")("Python reads the names of image files and classes", async () => {
  copyTiny(folder);
  for (const name of ['a, "b"', "größe\n😀"]) {
    mkdirSync(path.join(folder, "pictures", name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const png = new PNG({ width: 7, height: 7 });
      png.data.fill(20 * i + 40);
      writeFileSync(path.join(folder, "pictures", name, `${i},\r\n"é".png`), PNG.sync.write(png));
    }
  }
  const all = await encode("--dataset pictures --split train");
  const arrays = JSON.parse(python(PRINT));
  expect(Object.keys(arrays)).toEqual(["file", "label", "class", "z", "sigma"]);
  for (const name of ["file", "label", "class"]) {
    expect(arrays[name][1]).toEqual(all.map((line) => line[name]));
  }
  const rows: Record<string, string>[] = JSON.parse(python(CSV));
  expect(rows.map((row) => [row.file, row.class, Number(row.z1)])).toEqual(
    all.map(({ file, class: name, z }) => [file, name, z[1]]),
  );
});
