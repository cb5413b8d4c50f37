// Fuzzed TIFF files: tags are read, or not, in limited time; images decode, or are bad with a reason.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadImage } from "../../src/data/bad-image.js";
import { decodeImage, measureDeep } from "../../src/data/image-files.js";
import { openImage } from "../../src/data/open-image.js";
import { readTiffTags } from "../../src/formats/tiff.js";
import { limits, mutants, result, timeout } from "./fuzz.js";

const FOLDER = "test/fixtures/tiff";
const fixtures = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".tif"))
  .map((name) => Uint8Array.from(readFileSync(path.join(FOLDER, name))));
/** Valid TIFF headers, to precede rubbish. */
const headed = fc
  .tuple(fc.constantFrom("II*\0", "MM\0*", "II+\0\b\0\0\0", "MM\0+\0\b\0\0"), fc.uint8Array({ maxLength: 300 }))
  .map(([header, rest]) => Uint8Array.from([...Buffer.from(header, "latin1"), ...rest]));

describe("rubbish", () => {
  it("for the reader of a TIFF's tags", { timeout }, () => {
    const files = fc.oneof(fc.uint8Array({ maxLength: 300 }), headed, mutants(...fixtures));
    fc.assert(
      fc.property(files, (file) => {
        const read = result(() => readTiffTags(file));
        for (const value of Object.values(read ?? {})) expect(value === undefined || value >= 0).toBe(true);
      }),
      limits,
    );
  });

  it("for the decoder of TIFFs", { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(mutants(...fixtures), async (file) => {
        try {
          const opened = await openImage(file);
          const deep = await measureDeep(opened);
          const { black, step } = { black: deep?.range.min ?? 0, step: 1 };
          const options = { channels: 3, size: { height: 2, width: 2 }, background: "black" } as const;
          const decoded = await decodeImage(file, { ...options, scales: { [opened.dtype]: { black, step } } });
          expect(decoded.pixels.length).toBe(12);
        } catch (error) {
          if (!(error instanceof BadImage)) throw error;
          expect(error.message).toMatch(/^.+$/); // one line
        }
      }),
      limits,
    );
  });
});
