import { describe, expect, it } from "vitest";
import { encodeVectors } from "../../src/formats/projector.js";
import { crc32c } from "../../src/formats/tensorboard/records.js";
import {
  encodeRecord,
  encodeSessionEnd,
  encodeSessionStart,
  encodeValues,
  encodeVersion,
  parseRecords,
  summarizeEvent,
} from "../../src/formats/tensorboard.js";
import { crcByBits, readEvents } from "../fixtures/events.js";
import { weyl } from "../helpers.js";

async function parse(file: Uint8Array): Promise<string[]> {
  const found: string[] = [];
  const read = async (start: number, length: number) => file.subarray(start, start + length);
  for await (const content of parseRecords(read)) found.push(Buffer.from(content).toString());
  return found;
}

describe("records", () => {
  it.each([
    ["32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 times 255", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["31 to 0", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
    ["nothing", new Uint8Array(), 0],
  ])("have the CRC-32C of RFC 3720 for %s", (_, bytes, crc) => expect(crc32c(bytes)).toBe(crc));

  it("have the CRC of a division bit by bit", () => {
    const bytes = Uint8Array.from(weyl(1000, 0, 256));
    expect(crc32c(bytes)).toBe(crcByBits(bytes));
  });

  const file = Buffer.concat(["one", "", "three"].map((text) => encodeRecord(Buffer.from(text))));

  it("are parsed", async () => expect(await parse(file)).toEqual(["one", "", "three"]));

  it("are parsed up to the end of a file that was cut anywhere", async () => {
    const ends = [19, 35, 56];
    for (let length = 0; length <= file.length; length++) {
      expect((await parse(file.subarray(0, length))).length).toBe(ends.filter((end) => end <= length).length);
    }
  });

  it("are parsed up to any changed byte", async () => {
    for (let i = 0; i < file.length; i++) {
      const changed = Buffer.from(file);
      changed[i] ^= 0x10;
      const whole = i < 19 ? 0 : i < 35 ? 1 : 2;
      expect(await parse(changed)).toEqual(["one", "", "three"].slice(0, whole));
    }
  });
});

describe("events", () => {
  const png = Buffer.from("not decoded here");
  const histogram = Float32Array.from(weyl(500, -2, 3));
  const records = [
    encodeVersion(1.5, "vae test"),
    encodeSessionStart(1.5, { beta: 4, conditional: true, network: "mlp" }),
    encodeValues(2.25, 300, [
      { tag: "a/b", scalar: -0.1 },
      { tag: "c", image: { width: 20, height: 10, channels: 3, png } },
      { tag: "d", histogram },
      { tag: "e", histogram: new Float32Array(7).fill(3) },
    ]),
    encodeSessionEnd(3),
  ];
  const [version, start, values, end] = readEvents(Buffer.concat(records));

  it("have a version and a writer first", () =>
    expect(version).toEqual({ wallTime: 1.5, step: 0, version: "brain.Event:2", writer: "vae test", values: [] }));

  it("have scalars and images", () => {
    expect([values.wallTime, values.step]).toEqual([2.25, 300]);
    const [scalar, image] = values.values;
    expect(scalar).toEqual({ tag: "a/b", scalar: Math.fround(-0.1) });
    expect(image).toEqual({ tag: "c", image: { width: 20, height: 10, colorspace: 3, png } });
  });

  it("have histograms of all values", () => {
    const [, , { histogram: spread }, { histogram: same }] = values.values;
    expect(spread).toMatchObject({ num: 500, min: Math.min(...histogram), max: Math.max(...histogram) });
    const [least, width] = [spread?.min ?? 0, ((spread?.max ?? 0) - (spread?.min ?? 0)) / 30];
    const inBucket = (i: number) => (value: number) =>
      value >= least + i * width && (value < least + (i + 1) * width || i === 29);
    expect(spread?.buckets).toEqual(Array.from({ length: 30 }, (_, i) => histogram.filter(inBucket(i)).length));
    expect(same).toEqual({ num: 7, min: 3, max: 3, buckets: [7] });
  });

  it("have data of the plugin HParams", () => {
    for (const [event, tag] of [
      [start, "_hparams_/session_start_info"],
      [end, "_hparams_/session_end_info"],
    ] as const) {
      expect(event.values).toMatchObject([{ tag, plugin: { name: "hparams" } }]);
    }
    expect(start.values[0].plugin?.content.toString("latin1")).toMatch(/beta.*conditional.*network.*mlp/s);
  });

  it("are recognized by step, writer and tags; other contents are not", () => {
    const content = (record: Uint8Array) => record.subarray(12, -4);
    expect(summarizeEvent(content(records[0]))).toEqual({ step: 0, writer: "vae test", tags: [] });
    expect(summarizeEvent(content(records[2]))).toMatchObject({ step: 300, tags: ["a/b", "c", "d", "e"] });
    expect(summarizeEvent(Buffer.from([7, 7, 7]))).toBeUndefined();
  });
});

it("vectors keep every bit of float32", () => {
  const numbers = Float32Array.from([...weyl(96, -1e3, 1e3), 1e-38, 1 / 3, -0.1, 16777216]);
  const rows = encodeVectors(numbers, 4).trimEnd().split("\n");
  expect(rows.length).toBe(25);
  expect(Float32Array.from(rows.flatMap((row) => row.split("\t").map(Number)))).toEqual(numbers);
});
