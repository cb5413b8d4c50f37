// Names with terminal escape codes, or very long ones: every command escapes and shortens them.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { main } from "../../src/cli.js";
import { encodeZip } from "../../src/formats/zip.js";
import { quote, quotePath } from "../../src/shell.js";
import { npy } from "../fixtures/npy.js";
import { copyTiny } from "../helpers.js";
import { type Outcome, vae } from "../vae.js";

/** Codes that clear the screen, set the title, start a C1 sequence, reverse the text and break lines. */
const EVIL = "\u001b[2J\u001b]0;x\u0007\u009b31m\u202egnp.exe\u2066\u200f\r\nerror: fake\u2028\u007f";
const SHOWN =
  "\\u001b[2J\\u001b]0;x\\u0007\\u009b31m\\u202egnp.exe\\u2066\\u200f\\u000d\\u000aerror: fake\\u2028\\u007f";
const LONG = "long ".repeat(20_000);
const SMALL = ["--dim-z", "2", "--n-hidden", "8", "--batch-size", "5", "--epochs", "1"];

let home: string;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-hostile-"));
  copyTiny(home);
  for (let i = 0; i < 24; i++) {
    const folder = at("photos", `${EVIL}${i % 2}`);
    mkdirSync(folder, { recursive: true });
    const pixels = Buffer.alloc(16, 10 * i);
    const file = await sharp(pixels, { raw: { width: 4, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    writeFileSync(path.join(folder, `${i}${EVIL}.png`), file);
  }
  cpSync(at("photos"), at("bad"), { recursive: true });
  writeFileSync(at("bad", `${EVIL}0`, `bad${EVIL}.png`), "GIF89a");
  writeFileSync(at("bad", `note.${EVIL}`), "");
});
afterAll(() => rmSync(home, { recursive: true }));

/** Expects output without control characters or overlong lines. Only JSON has a long line. */
function expectPlain({ stdout, stderr }: Outcome): void {
  expect(stdout + stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u);
  expect(`${stdout}\n${stderr}`).not.toMatch(/^error: fake/m);
  const lines = [...stderr.split("\n"), ...stdout.split("\n").filter((line) => !/^[[{]/.test(line))];
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(2100);
}

async function run(...args: string[]): Promise<Outcome> {
  const outcome = await vae(args, home);
  expectPlain(outcome);
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
  return outcome;
}

function copyRun(name: string): string {
  cpSync(at("run"), at(name), { recursive: true });
  return at(name);
}

/** A safetensors file with this header and eight bytes of values. */
function safetensors(header: object): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(8)]);
}

describe("a run whose folder, classes and files have hostile names", () => {
  it("is trained, resumed, used and listed with escaped names", async () => {
    const folder = `runs/${EVIL}`;
    const trained = await run("train", "--dataset", "photos", ...SMALL, "--run", folder);
    expect(trained.code).toBe(0);
    expect(trained.stderr).toContain(SHOWN);
    const commands = [
      "reconstruct|sample|manifold --size 2x2|latent|interpolate --from 0 --to 1|evaluate --importance-samples 5",
      "evaluate --json --importance-samples 5|export|export --json|sample --n 2 --each each",
    ];
    for (const command of commands.join("|").split("|")) {
      const [name, ...flags] = command.split(" ");
      const { code, stdout, stderr } = await run(name, "--run", folder, ...flags);
      expect(code, stderr).toBe(0);
      if (command.includes("--json")) expect(JSON.parse(stdout).run).toBe(folder);
      else if (!command.includes("each")) expect(stdout).toContain(SHOWN);
    }
    const resumed = await run("train", "--resume", folder, "--epochs", "2", "--json");
    expect([resumed.code, JSON.parse(resumed.stdout).run]).toEqual([0, folder]);
    expect((await run("runs")).stdout).toContain("error: fake\\u2028\\u007f ");
    expect(JSON.parse((await run("runs", "--json")).stdout).runs[0].run).toBe(folder);
    const grouped = await run("train", "--dataset", "photos", ...SMALL, "--repeat", "2", "--run", `groups/${EVIL}`);
    expect(grouped.code).toBe(0);
    const compared = await run("compare", `groups/${EVIL}`, folder, "--out", "compared.svg");
    expect([compared.code, compared.stdout]).toEqual([0, expect.stringContaining("ke\\u2028\\u007f/seed=1 ")]);
    expect(readFileSync(at("compared.svg"), "utf8")).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_C}]/u);
    const [plot] = readdirSync(at(folder, "pictures")).filter((file) => file.endsWith(".svg"));
    const svg = readFileSync(at(folder, "pictures", plot), "utf8");
    expect(svg).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_C}]/u);
    expect((await run("train", "--dataset", "photos", ...SMALL, "--run", folder)).stderr).toContain("exists already");
  });

  it("writes latents with the exact names to a pipe, and with escaped names to a terminal", async () => {
    const folder = `runs/${EVIL}`;
    for (const format of ["csv", "jsonl"]) {
      const args = ["encode", "--run", folder, "--format", format];
      const piped = await vae(args, home);
      expect(piped.stdout).toContain(format === "csv" ? EVIL : JSON.stringify(EVIL).slice(1, -1));
      let shown = "";
      const stdout = Object.assign(
        new Writable({
          write(chunk, _encoding, done) {
            shown += chunk;
            done();
          },
        }),
        { isTTY: true },
      );
      const before = process.cwd();
      process.chdir(home);
      const code = await main(args, { env: {}, stdin: Readable.from([]), stdout, stderr: stdout }).finally(() =>
        process.chdir(before),
      );
      expect(code).toBe(0);
      expect(shown).toContain("\\u009b31m");
      expect(shown).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_C}]/u);
    }
  });

  it("prints a resume command that works when pasted", async () => {
    const folder = at("runs", `stopped ${EVIL}`);
    const outcome = vae(
      ["train", "--dataset", "photos", ...SMALL.slice(0, 6), "--run", folder, "--epochs", "9999"],
      home,
    );
    const hasBegun = () => existsSync(path.join(folder, "metrics.jsonl"));
    await vi.waitUntil(hasBegun, { timeout: 30_000, interval: 20 });
    process.emit("SIGTERM", "SIGTERM");
    const { stderr } = await outcome;
    expectPlain(await outcome);
    const [, word] = /Resume: vae train --resume (.*)\n/.exec(stderr) ?? [];
    expect(word).toBe(quote(folder));
  });
});

describe("hostile names within files", () => {
  it("of images are escaped", async () => {
    expect((await run("data", "bad")).stdout).toContain("\\u009b31m");
    expect(JSON.parse((await run("data", "bad", "--json")).stdout).bad[0].file).toContain(EVIL);
    expect((await run("train", "--dataset", "bad", ...SMALL)).stderr).toContain("\\u001b");
    expect((await run("data", "photos", "--classes", `x${EVIL}`)).stderr).toContain("has no class");
    expect((await run("reconstruct", "--run", "run", "--input", at("bad", `${EVIL}0`, `bad${EVIL}.png`))).code).toBe(2);
    expect((await run("reconstruct", "--run", "run", "--input", EVIL)).stderr).toContain("There is no file");
  });

  it.each([
    ["a tensor", { [`t${EVIL}${LONG}`]: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }],
    ["a tensor without a type", { [EVIL]: {} }],
    ["a type", { t: { dtype: EVIL + LONG, shape: [1], data_offsets: [0, 4] } }],
    ["a shape", { t: { dtype: "F32", shape: Array(50_000).fill(1), data_offsets: [0, 8] } }],
  ])("of %s of the model are escaped", async (_, header) => {
    const folder = copyRun("tensors");
    writeFileSync(path.join(folder, "model.safetensors"), safetensors(header));
    expect((await run("sample", "--run", "tensors")).code).toBe(2);
    rmSync(folder, { recursive: true });
  });

  it.each([
    ["a choice", { engine: EVIL }],
    ["a list", { nHidden: Array(100_000).fill(1) }],
    ["an unknown setting", { [EVIL + LONG]: 1 }],
    ["a data set", { dataset: EVIL + LONG }],
    ["classes", { classes: [EVIL, LONG] }],
    ["an object", { dimZ: { [EVIL]: LONG } }],
  ])("of %s in config.json are escaped", async (_, settings) => {
    const file = path.join(copyRun("runs/changed"), "config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, settings: { ...config.settings, ...settings } }));
    writeFileSync(at("preset.json"), JSON.stringify(settings));
    for (const args of ["evaluate --run runs/changed", "train --resume runs/changed", "runs", "runs --json"]) {
      await run(...args.split(" "));
    }
    await run("train", "--preset", "preset.json", "--dataset", "nowhere");
    rmSync(at("runs/changed"), { recursive: true });
  });

  it("of a lock's owner are escaped", async () => {
    writeFileSync(
      path.join(copyRun("locked"), "lock"),
      JSON.stringify({ pid: 1, host: EVIL + LONG.slice(0, 5000), id: "x" }),
    );
    const { code, stderr } = await run("train", "--resume", "locked", "--epochs", "3");
    expect([code, stderr]).toEqual([2, expect.stringContaining("is in use by process 1 on \\u001b")]);
  });

  it("of tables, archives and arrays are escaped", async () => {
    const name = `x${EVIL}`;
    const cell = `"${name.replace("\r\n", "")}"`;
    writeFileSync(
      at("text.csv"),
      `${cell},${Array.from({ length: 16 }, (_, i) => `p${i}`)}\n${`a,${"1,".repeat(15)}1\n`.repeat(30)}`,
    );
    writeFileSync(at("odd.csv"), `${cell},a${cell},${cell}\n1,2,b${EVIL}\n`);
    writeFileSync(
      at("two.npz"),
      encodeZip([
        [`${name}.npy`, npy("|u1", "(2, 4, 4)", new Uint8Array(32))],
        [`${name}2.npy`, npy("|u1", "(2, 4, 4)", new Uint8Array(32))],
      ]),
    );
    writeFileSync(at("type.npy"), npy(`\u009b${LONG.slice(0, 5000)}`, "(2, 4, 4)", new Uint8Array(32)));
    for (const file of ["text.csv", "odd.csv", "two.npz", "type.npy"]) {
      await run("data", file);
      await run("decode", "--run", "run", "--input", file);
    }
  });
});

it.each([
  ["a command", [EVIL]],
  ["a command to help with", ["help", EVIL]],
  ["a flag of vae", [`--${EVIL}`]],
  ["a flag", ["train", `--${EVIL}`]],
  ["a flag like another", ["train", `--epoch${EVIL}`]],
  ["an argument", ["train", EVIL]],
  ["a number", ["train", "--dim-z", EVIL]],
  ["a list", ["train", "--n-hidden", LONG]],
  ["a list of many", ["train", "--n-hidden", Array(40_000).fill(1).join()]],
  ["a setting", ["train", "--set", `${EVIL}=1`]],
  ["a long setting", ["train", "--set", `${LONG}=1`]],
  ["a preset", ["train", "--preset", EVIL]],
  ["a run to resume", ["train", "--resume", EVIL]],
  ["a data set with backquotes", ["train", "--dataset", `\`size\` ${EVIL}`]],
  ["a long data set", ["data", LONG]],
  ["a folder of runs", ["runs", "--dir", EVIL]],
  ["a run", ["sample", "--run", EVIL]],
  ["a folder for a picture", ["sample", "--run", "run", "--out", `${EVIL}/x.png`]],
  ["a picture", ["sample", "--run", "run", "--out", EVIL]],
  ["images", ["interpolate", "--from", EVIL, "--to", "0"]],
  ["a size", ["manifold", "--size", EVIL]],
  ["an array of images", ["encode", "--run", "run", "--input", EVIL]],
  ["an array of latents", ["decode", "--run", "run", "--input", EVIL]],
])("%s with a hostile name is refused in one escaped line", async (_, args) => {
  const { code, stderr } = await run(...args);
  expect([1, 2]).toContain(code); // 1 if the name is too long for the file system
  expect(stderr).toMatch(/^error: .*\n$/);
  if (args.includes("--n-hidden")) expect(stderr.length).toBeLessThan(300);
});

describe.each(["bash", "zsh"])("in %s", (shell) => {
  const isMissing = spawnSync(shell, ["-c", "exit"]).error !== undefined;
  it.skipIf(isMissing)("a quoted word is parsed as the same word", () => {
    const words = [EVIL, "it's", "$HOME `x` \\", "-n", "\u{e0041}\u00ad", "'\u001b\\'", "plain", "Ünï 数"];
    const text = words.map(quotePath).join(" ");
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const command = `printf '%s\\0' ${text}`;
    const env = { ...process.env, LC_ALL: "C.UTF-8" };
    const read = execFileSync(shell, ["-c", command], { encoding: "utf8", env }).split("\0").slice(0, -1);
    expect(read).toEqual(words.map((word) => (word === "-n" ? "./-n" : word)));
  });
});
