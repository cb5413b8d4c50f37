import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { encodeNpy, parseNpy } from "../../src/formats/npy.js";
import { array, pythonWith, weyl } from "../helpers.js";

const NUMPY = pythonWith("numpy");

it.skipIf(!NUMPY)("NumPy reads the .npy files of this project, which reads what NumPy writes", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "vae-npy-"));
  try {
    const arrays = [
      array(weyl(24, -1e30, 1e30), [2, 3, 4]),
      array([Number.NaN, Infinity, -0, 1e-45], [4]),
      array([], [0, 7]),
      { data: Uint8Array.of(0, 128, 255), shape: [3, 1] },
    ];
    for (const [i, values] of arrays.entries()) {
      writeFileSync(path.join(folder, "ours.npy"), encodeNpy(values));
      const program =
        "import numpy as np; x = np.load('ours.npy'); np.save('theirs.npy', x.astype(x.dtype.newbyteorder('>')));" +
        "print(x.dtype.str, *x.shape)";
      const output = execFileSync(NUMPY as string, ["-c", program], { cwd: folder, encoding: "utf8" });
      expect(output.trim()).toBe([i === 3 ? "|u1" : "<f4", ...values.shape].join(" "));
      const { data, shape } = parseNpy(readFileSync(path.join(folder, "theirs.npy")), "theirs.npy");
      expect({ data, shape }).toEqual(values);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
