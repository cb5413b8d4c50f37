import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/formats/npy.js";
import { recognize } from "../../src/formats/recognize.js";
import { encodeSafetensors } from "../../src/formats/safetensors.js";
import { FOREIGN } from "../fixtures/foreign.js";
import { array } from "../helpers.js";

const text = (content: string) => Buffer.from(content);
const remedyOf = (name: string) => {
  const sample = FOREIGN.find(([other]) => other === name);
  return recognize((sample as (typeof FOREIGN)[number])[1]);
};

describe("recognize", () => {
  it.each(FOREIGN.map(([name, bytes], i) => ({ i, name, bytes })))("names $name (sample $i)", ({ name, bytes }) => {
    expect(recognize(bytes)?.name).toBe(name);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(recognize(shifted.subarray(3))?.name).toBe(name);
  });

  it.each([
    ["png", "a PNG image"],
    ["jpeg", "a JPEG image"],
    ["webp", "a WebP image"],
    ["gif", "a GIF image"],
    ["tiff", "a TIFF image"],
    ["avif", "an AVIF image"],
  ] as const)("names a %s file by sharp", async (format, name) => {
    const image = sharp({ create: { width: 9, height: 7, channels: 3, background: "teal" } });
    expect(recognize(await image.toFormat(format).toBuffer())).toEqual({ name, remedy: "" });
  });

  it("names vae's own formats", () => {
    const values = array([1, 2]);
    expect(recognize(encodeNpy(values))?.name).toBe("a .npy file");
    const weights = encodeSafetensors({ tensors: new Map([["a", values]]), metadata: {} });
    expect(recognize(weights)?.name).toBe("a safetensors file");
  });

  it.each([
    ["nothing", text("")],
    ["one byte", text("P")],
    ["zeros", new Uint8Array(2000)],
    ["plain text", text("The wide world, and P5 in it")],
    ["a text that begins like an image", text("BM is no bitmap, P1 no picture, GIF8 no picture")],
    ["P5 in words", text("P5 is a format")],
    ["CSV", text("a,b\n1,2\n")],
    ["less than an element", text("<3 hearts")],
    ["an open brace", text("{ not: json }")],
    ["a number in brackets", text("[x]")],
    ["compressed data", deflateSync(text("abc"))],
    ["a header length of zero", Buffer.from("\0\0\0\0\0\0\0\0{", "latin1")],
    ["an icon without pictures", Buffer.from("\0\0\x01\0\0\0\0\0\0\0\0\0\0\0", "latin1")],
  ])("does not name %s", (_, bytes) => {
    expect(recognize(bytes)).toBeUndefined();
  });

  it("names the more specific of two formats that begin alike", () => {
    // A safetensors header of 65,536 bytes begins like an icon.
    const json = `{"__metadata__":{}}`.padEnd(65_536);
    const file = Buffer.concat([Buffer.from([0, 0, 1, 0, 0, 0, 0, 0]), text(json)]);
    expect(recognize(file)?.name).toBe("a safetensors file");
  });

  it("gives the remedy of a format", () => {
    expect(remedyOf("a BMP image")?.remedy).toBe("Convert it to PNG: magick x.bmp x.png.");
    expect(remedyOf("an HEIC image")?.remedy).toBe("Convert it to JPEG: magick x.heic x.jpg.");
    expect(remedyOf("a Git LFS pointer")?.remedy).toBe("Fetch its content: git lfs pull.");
    expect(remedyOf("a zip archive")?.remedy).toBe("Unpack it first: unzip x.zip.");
    expect(remedyOf("a PyTorch file")).toEqual({
      name: "a PyTorch file",
      remedy:
        'In Python: np.save("x.npy", torch.load("x.pt", map_location="cpu").numpy()), if it is a tensor of images.',
      weights: 'In Python: safetensors.torch.save_file(torch.load("x.pt", map_location="cpu"), "model.safetensors").',
    });
  });

  it("gives every format a name with an article, and a remedy that is a sentence or empty", () => {
    for (const [name, bytes] of FOREIGN) {
      const { remedy, weights = "Use it." } = recognize(bytes) ?? { remedy: "?" };
      expect(name).toMatch(/^an? \S/);
      expect(remedy, name).toMatch(/^$|^[A-Z].*\.$/);
      expect(weights, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("is fast on adversarial texts", () => {
    const worst = ["<!", "<!>", "<?", "<!-->", " ", "<", "{ ", "[", "PK\x03\x04", "\ufeff", "<!doctype ", "<a:", "P1 "];
    const before = process.cpuUsage();
    for (const part of worst) recognize(text(part.repeat(1e6)));
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(1_000_000);
  });
});
