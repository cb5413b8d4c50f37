// The screen of a training: a table with aligned columns, and a progress bar that never wraps.
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Io } from "../../src/commands/io.js";
import { progressBar } from "../../src/commands/output.js";
import { openScreen } from "../../src/commands/training-screen.js";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import type { Bounds, TrainingChunk, TrainingStart } from "../../src/index.js";

function terminal(columns?: number) {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const stderr = Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns });
  const io = { env: {}, stdin: process.stdin, stdout: stderr, stderr } as Io;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes
  return { io, lines: () => text.split(/[\r\n]|\u001b(?:[78]|\[[\d;?]*[A-Za-z])/).filter((line) => line !== "") };
}

function startOf(settings: GivenSettings, pixels: number): TrainingStart {
  return {
    type: "start",
    run: "runs/x",
    config: createConfig({ engine: "compiled", ...settings }),
    images: { train: 55_000, validation: 5000, test: 10_000 },
    skipped: 0,
    notes: [],
    parameters: 1e6,
    shape: { width: pixels, height: 1, channels: 1 },
    pixels,
  };
}

const boundsOf = (nats: number): Bounds => ({ objective: -nats, elbo: -nats, reconstruction: 25 - nats, kl: 25 });

const KINDS: [string, GivenSettings, number, nats: number][] = [
  ["the ELBO", {}, 784, 208.63],
  ["many epochs", { epochs: 10_000 }, 784, 208.63],
  ["importance samples", { objective: "iwae", importanceSamples: 50 }, 784, 99.9],
  ["a long name", { objective: "beta-tc", beta: 6 }, 784, 675.97],
  ["another long name", { objective: "free-bits" }, 784, 675.97],
  ["an autoencoder", { model: "ae" }, 784, 75.2],
  ["colour photos", { channels: 3, network: "conv", likelihood: "gaussian" }, 256 * 256 * 3, -271_828.18],
  ["bytes", { likelihood: "logistic" }, 64 * 64 * 3, 54_321.09],
];

describe.each(KINDS)("a training of %s", (_, settings, pixels, nats) => {
  const start = startOf(settings, pixels);
  const { epochs } = start.config;

  /** Shows a chunk and the report of each of the first five epochs. The fifth has a tenth of the objective. */
  function show(columns?: number) {
    const { io, lines } = terminal(columns);
    const screen = openScreen(io, start);
    for (let epoch = 1; epoch <= 5; epoch++) {
      const terms = boundsOf(nats / (epoch === 5 ? 10 : 1));
      const chunk = { epoch, step: 90 * epoch - 80, steps: 429, train: terms, imagesPerSecond: 10 ** epoch / 1.1 };
      screen.showProgress({ type: "chunk", ...chunk, secondsLeft: 5000 / epoch } as TrainingChunk);
      const report = { epoch, train: terms, validation: terms, isBest: epoch < 3, imagesPerSecond: 9000, seconds: 1 };
      screen.showEpoch({ type: "epoch", ...report });
    }
    screen.stop();
    return lines();
  }

  it.each([60, 80, 120])(
    "has a bar of constant width on %i columns, and shows the time left once it is known",
    (columns) => {
      const bars = show(columns).filter((line) => /[█░]/.test(line));
      expect(bars).toHaveLength(new Set(bars).size);
      expect(new Set(bars.map((line) => line.match(/[█░]+/)?.[0].length)).size).toBe(1);
      expect(bars[0].match(/[█░]+/)?.[0].length).toBeGreaterThanOrEqual(8);
      for (const bar of bars) {
        expect(bar.length).toBeLessThan(columns);
        const epoch = Number(bar.match(/(\d+)\//)?.[1]);
        expect([epoch, bar.endsWith(" left")]).toEqual([epoch, epoch > 2]);
      }
      if (columns === 120 && settings.model !== "ae") expect(bars[0]).toContain("reconstruction ");
    },
  );

  it("has a table of at most 80 columns, whose rows are as wide as its head", () => {
    const rows = show().filter((line) => /^ *(epoch|\d+\/\d+) /.test(line));
    expect(rows).toHaveLength(6);
    expect(new Set(rows.map((line) => line.length))).toEqual(new Set([rows[0].length]));
    expect(rows[0].length).toBeLessThanOrEqual(80);
    expect(rows[0].includes("KL")).toBe(settings.model !== "ae");
    expect(rows[1].trim()).toMatch(new RegExp(`^1/${epochs} `));
  });

  it("names the objective in the head, or above it", () => {
    const text = show().join("\n");
    expect(text).toMatch(/validation −(ELBO|L50|objective|log p\(x\|z\)) {2}images/);
    expect(text.includes("The objective is ELBO with total correlation × 6 at β 6.")).toBe(
      settings.objective === "beta-tc",
    );
  });
});

describe("a bar of counts", () => {
  it.each([30, 60, 80])("has constant width on %i columns, and never wraps", async (columns) => {
    const { io, lines } = terminal(columns);
    for (const done of [1, 1000, 60_000]) {
      const bar = progressBar(io, "decoding images");
      bar.show(done, 60_000);
      bar.stop();
    }
    const bars = lines().map((line) => line.match(/^decoding images ([█░]*) +(\d+)\/60000$/) ?? []);
    expect(bars.map(([, , done]) => done)).toEqual(["1", "1000", "60000"]);
    expect(new Set(bars.map(([, bar]) => bar.length)).size).toBe(1);
    for (const [line] of bars) expect(line.length).toBeLessThan(columns);
  });
});
