// Fuzzed files for the readers: a result or a UserError, in limited time, and memory in proportion to the file's size.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { parseIdx } from "../../src/formats/idx.js";
import { parseLatentLines } from "../../src/formats/latent-lines.js";
import { encodeNpy, parseNpy, parseNpyTexts } from "../../src/formats/npy.js";
import { openParquet } from "../../src/formats/parquet.js";
import { recognize } from "../../src/formats/recognize.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { formatCsvRow, parseTable } from "../../src/formats/table.js";
import {
  encodeRecord,
  encodeSessionStart,
  encodeValues,
  encodeVersion,
  parseRecords,
  summarizeEvent,
} from "../../src/formats/tensorboard.js";
import { encodeZip, readZip } from "../../src/formats/zip.js";
import { parseRunConfig } from "../../src/run/config.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/training/checkpoint.js";
import { firstSnapshot, startOf } from "../../src/training/snapshot.js";
import { sizeOf } from "../../src/tree.js";
import { FOREIGN } from "../fixtures/foreign.js";
import { idx } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import { NUMPY_ARCHIVES, zip } from "../fixtures/zip.js";
import { array, firstParams } from "../helpers.js";
import { asyncResult, limits, mutants, mutate, result, timeout } from "./fuzz.js";

const mutantTexts = (text: string) => mutants(bytesOf(text)).map((bytes) => new TextDecoder().decode(bytes));

const bytesOf = (text: string) => new TextEncoder().encode(text);
const withHeader = (json: string, values = new Uint8Array(16)) => {
  const header = bytesOf(json);
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  return Uint8Array.from([...length, ...header, ...values]);
};

describe("rubbish", () => {
  it("for the IDX reader", { timeout }, () => {
    const good = [idx([2, 2, 3], new Uint8Array(12)), idx([1, 1, 1], [7])];
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutants(...good)), (file) => {
        const read = result(() => parseIdx(file, "images"));
        if (read) expect(read.data.length).toBe(sizeOf(read.shape));
      }),
      limits,
    );
  });

  it("for the reader of event files", { timeout }, async () => {
    const values = [
      { tag: "a/train", scalar: 1 },
      { tag: "b", histogram: [1, 2] },
    ];
    const good = [encodeVersion(1, "vae"), encodeValues(2, 3, values), encodeSessionStart(1, { beta: 1 })];
    const contents = mutants(...good.map((record) => record.subarray(12, -4)));
    const whole = mutants(new Uint8Array(Buffer.concat(good)));
    const files = fc.oneof(fc.uint8Array({ maxLength: 64 }), whole, contents.map(encodeRecord));
    await fc.assert(
      fc.asyncProperty(files, async (file) => {
        for await (const content of parseRecords(async (start, length) => file.subarray(start, start + length))) {
          const event = summarizeEvent(content);
          if (event) expect(event.tags.join("").length).toBeLessThanOrEqual(content.length);
        }
      }),
      limits,
    );
  });

  it("for the reader of .npy texts", { timeout }, () => {
    const good = [encodeNpy({ data: ["a", "größe"], shape: [2] }), encodeNpy({ data: [""], shape: [1] })];
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutants(...good)), (file) => {
        const texts = result(() => parseNpyTexts(file, "texts.npy")) ?? [];
        expect(4 * texts.join("").length).toBeLessThanOrEqual(2 * file.length); // of two units each
      }),
      limits,
    );
  });

  it("for the .npy reader", { timeout }, () => {
    const good = [
      encodeNpy(array([1, 2, 3, 4], [2, 2])),
      npy(">i8", "(2,)", new Uint8Array(16)),
      npy("<f2", "(1, 3)", new Uint8Array(6)),
      npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3), }", new Uint8Array(12)),
    ];
    const word = fc.constantFrom(...Array.from("{}()[]',: "), "descr", "shape", "fortran_order", "True", "False");
    const more = fc.constantFrom("'<f4'", "'|u1'", "'|O'", "0", "2", "3", "99999999999999999999", "'", '"', "L");
    const header = fc.array(fc.oneof(word, more, fc.string())).map((words) => words.join(""));
    const sizes = fc
      .array(fc.oneof(fc.nat(4), fc.maxSafeNat()))
      .map((sizes) => `(${sizes.map((n) => `${n},`).join("")})`);
    const type = fc.tuple(
      fc.constantFrom("<", ">", "|", ""),
      fc.constantFrom("b1", "u1", "i2", "f2", "f4", "u8", "c8"),
    );
    const values = fc.uint8Array({ maxLength: 32 });
    const files = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      mutants(...good),
      fc.tuple(header, values).map((parts) => npy(...parts)),
      fc.tuple(type, sizes, values).map(([type, ...parts]) => npy(type.join(""), ...parts)),
    );
    fc.assert(
      fc.property(files, (file) => {
        const read = result(() => parseNpy(file, "array.npy"));
        if (!read) return;
        expect(read.data.length).toBe(read.shape.includes(0) ? 0 : sizeOf(read.shape));
        expect(read.data.byteLength).toBeLessThanOrEqual(2 * file.length); // float16 becomes float32
      }),
      limits,
    );
  });

  it("for the Parquet reader", { timeout }, async () => {
    const folder = path.join(import.meta.dirname, "../fixtures/parquet");
    const names = readdirSync(folder).filter((name) => name.endsWith(".parquet"));
    const good = names.map((name) => new Uint8Array(readFileSync(path.join(folder, name))));
    // Page headers and footer hold varints (seven bits a byte): replaces short ones by long ones.
    const long = fc.tuple(fc.constantFrom("set" as const, "put" as const), fc.nat(), fc.nat(9), fc.nat(0x7f));
    const lies = fc.tuple(fc.constantFrom(...good), fc.array(long, { minLength: 1, maxLength: 3 })).map(([file, all]) =>
      all.reduce<Uint8Array>((file, [kind, at, length, last]) => {
        const bytes = Uint8Array.from([...new Uint8Array(length).fill(0xff), last]);
        return mutate(file, { kind, at, bytes });
      }, file),
    );
    const before = process.resourceUsage().maxRSS;
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutants(...good), lies), async (file) => {
        const read = await asyncResult(async () => {
          const { count, labels, images } = await openParquet(new Uint8Array(file).buffer, "images.parquet");
          if (labels) expect(labels.length).toBe(count);
          let rows = 0;
          for await (const { bytes } of images()) {
            expect(bytes.buffer.byteLength).toBeLessThan(2 ** 24 + 1100 * file.length);
            rows++;
          }
          return { count, rows };
        }, 12); // seconds: the reader stops its decoders after 10
        if (read) expect(read.rows).toBe(read.count);
      }),
      limits,
    );
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(500_000); // kB
  });

  it("for the reader of latents as JSON lines", { timeout }, () => {
    const lines = fc.array(
      fc.oneof(
        fc
          .record({ z: fc.array(fc.oneof(fc.double(), fc.jsonValue()), { maxLength: 3 }) })
          .map((line) => JSON.stringify(line)),
        fc.json(),
        fc.string(),
      ),
    );
    const good = bytesOf('{"image":0,"z":[0.5,-1]}\n{"z":[1e-9,2]}\n');
    const files = fc.oneof(
      fc.uint8Array(),
      mutants(good),
      lines.map((all) => bytesOf(all.join("\n"))),
    );
    fc.assert(
      fc.property(files, (file) => {
        const read = result(() => parseLatentLines(file, "latents"));
        if (!read) return;
        expect(read.data.length).toBe(sizeOf(read.shape));
        expect(2 * read.data.length).toBeLessThanOrEqual(file.length);
      }),
      limits,
    );
  });

  it("for the .zip reader", { timeout }, () => {
    const files = { "a.npy": bytesOf("a".repeat(3000)), b: bytesOf("0123456789"), c: new Uint8Array() };
    const good = [
      ...Object.values(NUMPY_ARCHIVES),
      encodeZip(Object.entries(files)),
      zip(files),
      zip(files, { zip64: true }),
      zip({ bomb: new Uint8Array(2_000_000) }),
    ];
    const archives = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      mutants(...good),
      mutants(...good.map((file) => file.subarray(-120))).map((end) => Uint8Array.from([...good[3], ...end])),
    );
    fc.assert(
      fc.property(archives, fc.nat(10_000), (archive, maxBytes) => {
        const before = process.memoryUsage().arrayBuffers;
        const entries = result(() => readZip(archive, "x.npz")) ?? new Map();
        expect(entries.size).toBeLessThanOrEqual(archive.length / 46);
        for (const { size, read } of entries.values()) {
          const content = result<Uint8Array>(() => read(maxBytes));
          if (!content) continue;
          expect(content.length).toBe(size);
          expect(size).toBeLessThanOrEqual(Math.min(maxBytes, 1032 * archive.length));
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
      }),
      limits,
    );
  });

  it("for the .zip reader: round trip", { timeout }, () => {
    const names = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "constructor"));
    const lists = fc.uniqueArray(fc.tuple(names, fc.uint8Array()), { selector: ([name]) => name });
    fc.assert(
      fc.property(lists, (files) => {
        const entries = [...readZip(encodeZip(files), "x.npz")];
        expect(entries.map(([name, entry]) => [name, Uint8Array.from(entry.read(1000))])).toEqual(files);
      }),
      limits,
    );
  });

  it("for the reader of tables", { timeout }, () => {
    const word = fc.constantFrom(
      "0",
      "255",
      "1.5e-3",
      "-7.25",
      "nan",
      "inf",
      "label",
      "x y",
      '"',
      '""',
      " ",
      "\t",
      ",",
    );
    const more = fc.constantFrom("\n", "\r\n", ";", ".", "e", "+", "\ufeff", "é", "1e", "9".repeat(20), "<", "\0");
    const good = [
      "label,pixel0,pixel1\n0,1,255\n1,0,7\n",
      'emotion,pixels,Usage\n0,"70 80 82",Training\n6,"1 2 3",PublicTest\n',
      "  0.0000000e+00   1.0000000e+00  \n  1.0000000e+00   0.0000000e+00  \n",
      '"a";"b"\r\n"5";"6"\r\n\r\n1;2',
      "1\t2\n3\t4",
    ];
    const files = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.oneof(word, more)).map((words) => bytesOf(words.join(""))),
      mutants(...good.map(bytesOf)),
    );
    fc.assert(
      fc.property(files, (file) => {
        const read = result(() => parseTable(file, "x.csv"));
        if (!read) return;
        const { header, columns, rows, data, texts } = read;
        expect(data.length).toBe(columns * rows);
        expect(data.buffer.byteLength).toBeLessThanOrEqual(2 * file.length + 2);
        if (header) expect(header.length).toBe(columns);
        for (const text of texts.values()) expect(text.length).toBe(rows);
      }),
      limits,
    );
  });

  it("for the reader of tables: round trip", { timeout }, () => {
    // value + 0 turns −0 into 0.
    const float = fc.oneof(fc.float(), fc.integer({ min: -(2 ** 24), max: 2 ** 24 })).map((value) => value + 0);
    const tables = fc
      .tuple(fc.integer({ min: 2, max: 5 }), fc.boolean(), fc.constantFrom(",", ";", "\t", " "))
      .chain(([columns, hasHeader, separator]) =>
        fc.record({
          separator: fc.constant(separator),
          header: hasHeader
            ? fc.array(fc.stringMatching(/^[a-z][ -~é]*$/), { minLength: columns, maxLength: columns })
            : fc.constant(undefined),
          rows: fc.array(fc.array(float, { minLength: columns, maxLength: columns }), { minLength: 1 }),
          lineEnd: fc.constantFrom("\n", "\r\n", "\n\n"),
        }),
      );
    const isName = (name: string) => !/^[+-]?(nan|inf|infinity)$/i.test(name);
    fc.assert(
      fc.property(tables, ({ separator, header, rows, lineEnd }) => {
        fc.pre(!header || header.every(isName));
        const names = header?.map((name) => (separator === "," ? name : name.replace(/[^a-z]/g, "x")));
        const body = rows.map((row) => `${row.join(separator)}${lineEnd}`).join("");
        const start = separator === "," ? formatCsvRow(names ?? []) : `${names?.join(separator) ?? ""}\n`;
        const read = parseTable(bytesOf(start + body), "x.csv");
        expect(read.header).toEqual(names);
        expect([...read.data]).toEqual(rows.flat());
      }),
      limits,
    );
  });

  it("for the safetensors reader", { timeout: 2 * timeout }, () => {
    const tensors = new Map([
      ["a", array([1, 2, 3, 4], [2, 2])],
      ["b", array([5], [1])],
    ]);
    const sealed = encodeSafetensors({ tensors, metadata: { epoch: "1" } });
    const bare = withHeader('{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}');
    const types = fc.constantFrom("F32", "F64", "F16", "BF16");
    const sizes: Record<string, number> = { F32: 4, F64: 8, F16: 2, BF16: 2 };
    // Adjacent tensors, with entries in any order.
    const valid = fc.array(fc.tuple(fc.string(), types, fc.array(fc.nat(3), { maxLength: 3 }), fc.nat())).map((all) => {
      let end = 0;
      const entries = all.map(([name, dtype, shape, key], i) => {
        const from = end;
        end += sizes[dtype] * sizeOf(shape);
        return { key, field: [`${name}${i}`, { dtype, shape, data_offsets: [from, end] }] as const };
      });
      const fields = entries.sort((a, b) => a.key - b.key).map(({ field }) => field);
      return { fields, file: withHeader(JSON.stringify(Object.fromEntries(fields)), new Uint8Array(end).fill(0x3c)) };
    });
    const header = fc
      .oneof(
        fc.json(),
        fc
          .dictionary(
            fc.string(),
            fc.record(
              {
                dtype: fc.oneof(types, fc.constantFrom("I64", "constructor", 1), fc.jsonValue()),
                shape: fc.oneof(fc.array(fc.oneof(fc.nat(4), fc.double(), fc.maxSafeInteger())), fc.jsonValue()),
                data_offsets: fc.oneof(fc.tuple(fc.nat(16), fc.nat(16)), fc.jsonValue()),
              },
              { requiredKeys: [] },
            ),
          )
          .map((entries) => JSON.stringify(entries)),
      )
      .map((json) => withHeader(json));
    const damaged = valid.chain(({ file }) => mutants(file));
    const anyFile = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutants(sealed, bare), header, damaged);
    fc.assert(
      fc.property(anyFile, (file) => {
        const read = result(() => decodeSafetensors(file, "weights"));
        if (!read) return;
        const floats = [...read.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
        expect(2 * floats).toBeLessThanOrEqual(file.length);
        for (const { data, shape } of read.tensors.values()) expect(data.length).toBe(sizeOf(shape));
      }),
      limits,
    );
    fc.assert(
      fc.property(valid, ({ fields, file }) => {
        const { tensors } = decodeSafetensors(file, "weights");
        const shapes = (all: Iterable<readonly [string, { readonly shape: readonly number[] }]>) =>
          new Map(Array.from(all, ([name, { shape }]) => [name, shape]));
        expect(shapes(tensors)).toEqual(shapes(fields));
        for (const { data } of tensors.values()) expect(data.every((value) => value > 0 && value < 2)).toBe(true);
      }),
      limits,
    );
  });

  it("for the names of other formats", { timeout }, () => {
    const samples = FOREIGN.map(([, bytes]) => bytes);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 700 }), mutants(...samples)), (file) => {
        const found = result(() => recognize(file));
        if (found) expect(found.name).not.toBe("");
      }),
      limits,
    );
  });

  const settings = createConfig({ dimZ: 2, nHidden: [3] });
  const data = { name: "mnist", height: 2, width: 2, channels: 1, train: 9, validation: 1, test: 5 };
  const config = { version: "0.1.0", created: "2026-01-01T00:00:00.000Z", settings, data };

  it("for the reader of config.json", { timeout }, () => {
    const value = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(-1, 0, 1e308, "auto", "", null, [], {}));
    const edited = fc
      .tuple(fc.constantFrom(...Object.keys(settings)), fc.constantFrom(...Object.keys(data), ""), value, value)
      .map(([setting, size, a, b]) =>
        JSON.stringify({ ...config, settings: { ...settings, [setting]: a }, data: size ? { ...data, [size]: b } : b }),
      );
    const texts = mutantTexts(JSON.stringify(config));
    expect(result(() => parseRunConfig(JSON.stringify(config), "config.json"))).toEqual(config);
    fc.assert(
      fc.property(fc.oneof(fc.json(), edited, texts), (text) => {
        const read = result(() => parseRunConfig(text, "config.json"));
        if (read) expect(createConfig({ ...read.settings })).toEqual(read.settings);
      }),
      limits,
    );
  });

  it("for the reader of checkpoints, with a valid checksum", { timeout }, () => {
    const params = firstParams(settings, 4, 0);
    const start = firstSnapshot(params).state;
    const bounds = { objective: -2, elbo: -2, reconstruction: -1, kl: 1 };
    const report = { epoch: 1, train: bounds, validation: bounds, isBest: true, imagesPerSecond: 9, seconds: 1 };
    const rows = [{ epoch: 1, outputs: new Float32Array(4) }];
    const checkpoint = { state: start, position: startOf(2), reports: [report], best: params, rows, seconds: 1 };
    const { tensors, metadata } = encodeCheckpoint(checkpoint, settings);
    expect(result(() => decodeCheckpoint({ tensors, metadata }, start, settings, "checkpoint"))).toEqual(checkpoint);
    const edited = fc
      .constantFrom(...Object.keys(metadata))
      .chain((name) =>
        fc.tuple(fc.constant(name), fc.oneof(fc.json(), fc.string(), mutantTexts(metadata[name] ?? ""))),
      );
    const count = fc.oneof(fc.constant(tensors.size), fc.nat(tensors.size));
    fc.assert(
      fc.property(edited, count, ([name, text], count) => {
        const content = { tensors: new Map([...tensors].slice(0, count)), metadata: { ...metadata, [name]: text } };
        const read = result(() => decodeCheckpoint(content, start, settings, "checkpoint"));
        if (read) expect(read.state).toEqual(start);
      }),
      limits,
    );
  });
});
