// User mistakes: one line about the mistake, and exit code 2.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { FOREIGN } from "../fixtures/foreign.js";
import { idx } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const SMALL = ["train", "--dataset", "tiny", "--n-hidden", "8", "--epochs", "1", "--batch-size", "50"];

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-bad-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Copies the tiny data set and replaces one file. */
function data(name: string, file: string, content: Uint8Array): string {
  cpSync(at("tiny"), at(name), { recursive: true, filter: (from) => file === LABELS || !from.includes("labels") });
  writeFileSync(at(name, file), content);
  return name;
}

/** Copies the run and changes one file. */
function spoil(name: string, file: string, change: (content: Uint8Array) => Uint8Array | string): string {
  cpSync(at("run"), at(name), { recursive: true });
  writeFileSync(at(name, file), change(readFileSync(at(name, file))));
  return name;
}

/** The first bytes of a file of this format. */
const foreign = (format: string) => FOREIGN.find(([name]) => name === format)?.[1] ?? new Uint8Array();

const TRAIN = "train-images-idx3-ubyte";
const TEST = "t10k-images-idx3-ubyte";
const LABELS = "train-labels-idx1-ubyte";
const images = (count: number, size = 7) => idx([count, size, size], new Uint8Array(count * size * size));

type Config = { settings: Record<string, unknown>; data: Record<string, unknown> };
const config = (change: (config: Config) => unknown) => (content: Uint8Array) =>
  JSON.stringify(change(JSON.parse(new TextDecoder().decode(content))));
const setting = (name: string, value: unknown) =>
  config(({ settings, ...rest }) => ({ ...rest, settings: { ...settings, [name]: value } }));
const size = (name: string, value: unknown) =>
  config(({ data, ...rest }) => ({ ...rest, data: { ...data, [name]: value } }));

/** Changes the header of model.safetensors and removes its checksum. */
const header = (change: (header: string) => string) => (content: Uint8Array) => {
  const length = Number(new DataView(content.buffer, content.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(content.subarray(8, 8 + length)).replace(/"__metadata__":\{.*?\},/, "");
  const json = new TextEncoder().encode(change(text.trim()));
  const start = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  return Uint8Array.from([...start, ...json, ...content.subarray(8 + length)]);
};
const weights = (change: (name: string, data: Float32Array) => Float32Array | undefined) => (content: Uint8Array) => {
  const tensors = [...decodeSafetensors(content, "model").tensors].flatMap(([name, { data, shape }]) => {
    const changed = change(name, data);
    return changed ? ([[name, { data: changed, shape }]] as const) : [];
  });
  return encodeSafetensors({ tensors: new Map(tensors), metadata: {} });
};
const length = (value: bigint) => (content: Uint8Array) =>
  Uint8Array.from([...new Uint8Array(new BigUint64Array([value]).buffer), ...content.subarray(8)]);

/** Wrong values of the numeric flags of `vae train`: text, zero, negative, NaN, huge, fractional. */
const NUMBERS: [flag: string, bad: string[]][] = [
  ["--epochs", ["ten", "0", "-1", "NaN", "1e30", "1.5", ""]],
  ["--dim-z", ["x", "0", "-2", "NaN", "99999999999", "2.5"]],
  ["--batch-size", ["x", "0", "-128", "Infinity", "1e12", "0.5"]],
  ["--n-hidden", ["x", "0", "-5", "NaN", "500,,500", "1e9", "500,-1"]],
  ["--learning-rate", ["fast", "0", "-0.001", "NaN", "Infinity", "1e40"]],
  ["--keep-prob", ["most", "0", "-0.5", "NaN", "1.01"]],
  ["--seed", ["x", "-1", "NaN", "1e300", "0.5"]],
  ["--threads", ["x", "0", "-1", "NaN", "100000"]],
  ["--patience", ["x", "-1", "NaN", "1e30"]],
];

/** A mistake, its arguments, and the expected message. */
const CASES: [what: string, args: () => string[], problem: RegExp][] = [
  ...NUMBERS.flatMap(([flag, values]) =>
    values.map((value): (typeof CASES)[number] => [
      `${flag} ${value || "''"}`,
      () => ["train", "--dataset", "tiny", `${flag}=${value}`],
      new RegExp(`${flag}.*(must|more than)`),
    ]),
  ),
  ["an unknown engine", () => ["train", "--engine", "gpu"], /must be one of auto, compiled/],
  ["an unknown model", () => ["train", "--model", "gan"], /must be one of vae, ae/],
  ["unknown noise", () => ["train", "--noise", "rain"], /noise/],
  ["noise of an invalid strength", () => ["train", "--noise", "salt-pepper:2"], /noise|strength/],
  ["an unknown preset", () => ["train", "--preset", "quick"], /neither a preset nor a file/],
  ["a preset that is a folder", () => ["train", "--preset", "tiny"], /neither a preset nor a file/],
  ["--set without a value", () => ["train", "--set", "beta"], /must be NAME=VALUE/],
  ["--set of an unknown setting", () => ["train", "--set", "colour=1"], /Unknown setting "colour"/],
  ["--set of NaN", () => ["train", "--set", "beta=NaN"], /beta=NaN/],
  ["--set of __proto__", () => ["train", "--set", "__proto__=1"], /Unknown setting "__proto__"/],
  ["an unknown flag", () => ["train", "--gpu"], /Unknown option --gpu\. --device gpu uses the GPU/],
  ["a flag without its value", () => ["train", "--epochs"], /argument missing/],
  ["a word too many", () => ["train", "mnist"], /Use --dataset mnist/],
  ["an unknown command", () => ["paint"], /Unknown command paint/],
  ["an empty --run", () => ["train", "--run", ""], /must not be empty/],
  ["--run at a file", () => [...SMALL, "--run", `tiny/${TRAIN}`], /exists already/],
  ["--run below a file", () => [...SMALL, "--run", `tiny/${TRAIN}/x`], /not a folder|not a directory/],
  ["--n 0", () => ["sample", "--run", "run", "--n", "0"], /whole number from 1/],
  ["--n of a word", () => ["sample", "--run", "run", "--n", "many"], /whole number from 1/],
  ["--n 1e9", () => ["sample", "--run", "run", "--n", "1000000000"], /holds up to 10000/],
  ["more images than there are", () => ["reconstruct", "--run", "run", "--n", "121"], /120/],
  ["0 importance samples", () => ["evaluate", "--run", "run", "--importance-samples", "0"], /whole number/],
  ["an unknown split", () => ["evaluate", "--run", "run", "--split", "dev"], /test|split/],
  ["a missing run", () => ["sample", "--run", "nowhere"], /nowhere is not the folder of a run/],
  ["a run that is a file", () => ["sample", "--run", `tiny/${TRAIN}`], /is not the folder of a run/],
  ["a run that is a data set", () => ["sample", "--run", "tiny"], /is not the folder of a run/],
  ["--out in a missing folder", () => ["sample", "--run", "run", "--out", "no/where.png"], /no\/where\.png/],
  ["a missing data set", () => ["train", "--dataset", "nothing"], /nothing does not exist/],
  ["a file of labels as the data set", () => ["train", "--dataset", `tiny/${LABELS}`], /holds labels, but no images/],
  [
    "a batch larger than the data",
    () => ["train", "--dataset", "tiny", "--batch-size", "551"],
    /larger than the training set: 550 images/,
  ],
  [
    "one image",
    () => ["train", "--dataset", data("one", TRAIN, images(1))],
    /too few images: 0 to train, 1 to validate, 120 to test\. Each of these needs at least one\.$/m,
  ],
  ["no images", () => ["train", "--dataset", data("none", TRAIN, images(0))], /dimension 0 \(at byte 4\) is zero/],
  ["an empty file", () => ["train", "--dataset", data("empty", TRAIN, new Uint8Array())], /0 bytes/],
  ["a truncated file", () => ["train", "--dataset", data("cut", TRAIN, images(9).subarray(0, -5))], /promises 9×7×7/],
  [
    "a truncated header",
    () => ["train", "--dataset", data("head", TRAIN, images(9).subarray(0, 11))],
    /ends at byte 11/,
  ],
  ["bytes to spare", () => ["train", "--dataset", data("long", TRAIN, Uint8Array.of(...images(9), 1))], /1 more byte/],
  ["wrong magic", () => ["train", "--dataset", data("magic", TRAIN, images(9).fill(1, 0, 1))], /bytes 0 and 1/],
  ["an unknown type", () => ["train", "--dataset", data("floats", TRAIN, images(9).fill(0x07, 2, 3))], /must be 0x08/],
  [
    "labels instead of images",
    () => ["train", "--dataset", data("flat", TRAIN, idx([9], new Uint8Array(9)))],
    /has the shape \(9\)/,
  ],
  [
    "a count of 2^32 − 1",
    () => ["train", "--dataset", data("vast", TRAIN, images(9).fill(255, 4, 8))],
    /promises 42949/,
  ],
  [
    "test images of a different size",
    () => ["train", "--dataset", data("sizes", TEST, images(9, 5))],
    /must have the same size/,
  ],
  ["too few labels", () => ["train", "--dataset", data("few", LABELS, idx([3], [1, 2, 3]))], /3 labels for 600/],
  [
    "truncated gzip",
    () => ["train", "--dataset", data("gzip", TRAIN, gzipSync(images(9)).subarray(0, -9))],
    /compressed with gzip, but damaged/,
  ],
  [
    "invalid gzip",
    () => ["train", "--dataset", data("gz", TRAIN, Uint8Array.of(0x1f, 0x8b, 1, 2))],
    /gzip, but damaged/,
  ],
  [
    "truncated config.json",
    () => ["sample", "--run", spoil("c1", "config.json", (b) => b.subarray(0, 90))],
    /not valid JSON/,
  ],
  ["config.json of zeros", () => ["sample", "--run", spoil("c2", "config.json", (b) => b.fill(0))], /not valid JSON/],
  ["config.json of null", () => ["sample", "--run", spoil("c3", "config.json", () => "null")], /not the configuration/],
  ["config.json of a list", () => ["sample", "--run", spoil("c4", "config.json", () => "[]")], /not the configuration/],
  ["dimZ of text", () => ["sample", "--run", spoil("c5", "config.json", setting("dimZ", "2"))], /setting dimZ is "2"/],
  ["dimZ of −1", () => ["sample", "--run", spoil("c6", "config.json", setting("dimZ", -1))], /setting dimZ is -1/],
  [
    "dimZ that does not match the weights",
    () => ["sample", "--run", spoil("c7", "config.json", setting("dimZ", 3))],
    /does not match/,
  ],
  ["nHidden of nothing", () => ["sample", "--run", spoil("c8", "config.json", setting("nHidden", []))], /nHidden/],
  ["nHidden of null", () => ["sample", "--run", spoil("c9", "config.json", setting("nHidden", [null]))], /nHidden/],
  [
    "an unknown activation",
    () => ["sample", "--run", spoil("c10", "config.json", setting("encoderActivations", ["x"]))],
    /encoderActivations/,
  ],
  [
    "a setting that is none",
    () => ["sample", "--run", spoil("c11", "config.json", setting("x", 1))],
    /Unknown setting "x"/,
  ],
  ["a height of 0", () => ["sample", "--run", spoil("c12", "config.json", size("height", 0))], /is missing or invalid/],
  [
    "a height of 1e300",
    () => ["sample", "--run", spoil("c13", "config.json", size("height", 1e300))],
    /is missing or invalid/,
  ],
  ["another height", () => ["sample", "--run", spoil("c14", "config.json", size("height", 8))], /does not match/],
  [
    "no version",
    () => [
      "sample",
      "--run",
      spoil(
        "c15",
        "config.json",
        config(({ settings, data }) => ({ settings, data })),
      ),
    ],
    /not the configuration/,
  ],
  ["no model", () => ["sample", "--run", unmodelled()], /no model\.safetensors yet/],
  ["an empty model", () => ["sample", "--run", spoil("m1", "model.safetensors", () => "")], /0 bytes/],
  [
    "a header of 2^63 bytes",
    () => ["sample", "--run", spoil("m2", "model.safetensors", length(2n ** 63n))],
    /does not fit/,
  ],
  [
    "a header of 2^64 − 1 bytes",
    () => ["sample", "--run", spoil("m3", "model.safetensors", length(2n ** 64n - 1n))],
    /does not fit/,
  ],
  ["a header of 0 bytes", () => ["sample", "--run", spoil("m4", "model.safetensors", length(0n))], /not a JSON object/],
  [
    "a truncated model",
    () => ["sample", "--run", spoil("m5", "model.safetensors", (b) => b.subarray(0, -9))],
    /checksum|stand at/,
  ],
  [
    "a flipped bit",
    () => [
      "sample",
      "--run",
      spoil("m6", "model.safetensors", (b) => Uint8Array.from(b).fill(b[b.length - 9] ^ 1, -9, -8)),
    ],
    /checksum does not match/,
  ],
  [
    "overlapping tensors",
    () => [
      "sample",
      "--run",
      spoil(
        "m7",
        "model.safetensors",
        header((h) => h.replace(/\[\d+,(\d+)\]\}\}$/, "[0,$1]}}")),
      ),
    ],
    /wrong data_offsets/,
  ],
  [
    "offsets outside the file",
    () => [
      "sample",
      "--run",
      spoil(
        "m8",
        "model.safetensors",
        header((h) => h.replace(/,(\d+)\]\}\}$/, ",9$1]}}")),
      ),
    ],
    /wrong data_offsets/,
  ],
  [
    "a duplicate tensor",
    () => [
      "sample",
      "--run",
      spoil(
        "m9",
        "model.safetensors",
        header((h) => h.replace(/^\{("[^"]+")(:\{.*?\]\}),"[^"]+"/, "{$1$2,$1")),
      ),
    ],
    /wrong data_offsets/,
  ],
  [
    "a PyTorch file instead of the model",
    () => ["sample", "--run", spoil("m15", "model.safetensors", () => foreign("a PyTorch file"))],
    /m15\/model\.safetensors is a PyTorch file, not safetensors\. In Python: safetensors\.torch\.save_file\(/,
  ],
  [
    "a Git LFS pointer instead of the model",
    () => ["sample", "--run", spoil("m16", "model.safetensors", () => "version https://git-lfs.github.com/spec/v1\n")],
    /is a Git LFS pointer, not safetensors\. Fetch its content: git lfs pull\.$/m,
  ],
  [
    "a picture instead of the model",
    () => ["sample", "--run", spoil("m17", "model.safetensors", () => "GIF89a")],
    /is a GIF image, not safetensors\.$/m,
  ],
  [
    "the wrong type",
    () => [
      "sample",
      "--run",
      spoil(
        "m10",
        "model.safetensors",
        header((h) => h.replace("F32", "I32")),
      ),
    ],
    /is of type I32/,
  ],
  [
    "the wrong shape",
    () => [
      "sample",
      "--run",
      spoil(
        "m11",
        "model.safetensors",
        header((h) => h.replace("[49,16]", "[16,49]")),
      ),
    ],
    /\[16,49\], but must be \[49,16\]/,
  ],
  [
    "a missing tensor",
    () => [
      "sample",
      "--run",
      spoil(
        "m12",
        "model.safetensors",
        weights((name, data) => (name.endsWith("0.bias") ? undefined : data)),
      ),
    ],
    /is missing/,
  ],
  [
    "a weight of NaN",
    () => [
      "sample",
      "--run",
      spoil(
        "m13",
        "model.safetensors",
        weights((_, data) => data.fill(Number.NaN, 0, 1)),
      ),
    ],
    /holds NaN/,
  ],
  [
    "an infinite weight",
    () => [
      "sample",
      "--run",
      spoil(
        "m14",
        "model.safetensors",
        weights((_, data) => data.fill(Infinity, 0, 1)),
      ),
    ],
    /holds NaN or infinity/,
  ],
];

function unmodelled(): string {
  cpSync(at("run"), at("unmodelled"), { recursive: true });
  rmSync(at("unmodelled", "model.safetensors"));
  return "unmodelled";
}

describe("vae exits with code 2 and one line for:", () => {
  it.each(CASES)("%s", async (_, args, problem) => {
    const { code, stdout, stderr } = await vae(args(), home);
    expect(stderr).toMatch(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
