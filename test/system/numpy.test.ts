import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeNpy, parseNpy } from "../../src/formats/npy.js";
import { encodeZip, readZip } from "../../src/formats/zip.js";
import { array, pythonWith, weyl } from "../helpers.js";

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
  execFileSync(NUMPY as string, ["-c", `import numpy as np; ${program}`], { cwd: folder, encoding: "utf8" }).trim();
const read = (file: string) => readFileSync(path.join(folder, file));

it.skipIf(!NUMPY)("NumPy reads the .npy files of this project, which reads what NumPy writes", () => {
  for (const [i, values] of ARRAYS.entries()) {
    writeFileSync(path.join(folder, "ours.npy"), encodeNpy(values));
    const output = python(
      "x = np.load('ours.npy'); np.save('theirs.npy', x.astype(x.dtype.newbyteorder('>'))); print(x.dtype.str, *x.shape)",
    );
    expect(output).toBe([i === 3 ? "|u1" : "<f4", ...values.shape].join(" "));
    const { data, shape } = parseNpy(read("theirs.npy"), "theirs.npy");
    expect({ data, shape }).toEqual(values);
  }
});

it.skipIf(!NUMPY)("NumPy reads the .npz files of this project, which reads what NumPy writes", () => {
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
