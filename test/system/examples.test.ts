// The programs of examples/ and of docs/library.md, run as a user's would be: from a folder of his own with vae in its node_modules.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-examples-"));
  writeFileSync(at("package.json"), '{"type":"module"}');
  mkdirSync(at("node_modules"));
  symlinkSync(process.cwd(), at("node_modules/vae"), "junction");
  await writeTinyMnist(at("tiny"), 600, 120);
  for (const name of readdirSync("examples")) copyFileSync(path.join("examples", name), at(name));
});
afterAll(() => rmSync(home, { recursive: true }));

function start(args: readonly string[]) {
  const child = spawn(process.execPath, args, { cwd: home, env: { ...process.env, PORT: "0" } });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    output.stdout += text;
  });
  child.stderr.on("data", (text) => {
    output.stderr += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code, ...output }));
  return { child, ended };
}

const program = (...args: string[]) => start(args).ended;
const sizeOf = (file: string) => {
  const { width, height } = PNG.sync.read(readFileSync(at(file)));
  return [width, height];
};

it("train-and-sample.js trains and draws samples; the others use its model", async () => {
  const { code, stdout, stderr } = await program("train-and-sample.js", "tiny", "runs/example");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^(epoch [123]: validation ELBO -[\d.]+ nats per image\n){3}samples\.png\n$/);
  const [width, height] = sizeOf("samples.png");
  expect(width).toBe(height); // ten by ten

  const neighbours = await program("neighbours.js", "runs/example", "7");
  expect([neighbours.code, neighbours.stderr]).toEqual([0, ""]);
  const lines = neighbours.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatch(/^image 7, label \d: 0\.000 away$/);
  const distances = lines.slice(0, 9).map((line) => Number(/: ([\d.]+) away$/.exec(line)?.[1]));
  expect(distances).toEqual(distances.toSorted((a, b) => a - b));
  expect(sizeOf("neighbours.png")[0]).toBeGreaterThan(3 * 90);

  const { child, ended } = start(["serve-samples.js"]);
  const [line] = await once(child.stdout, "data");
  const url = String(line).trim();
  const get = async (query: string) => {
    const response = await fetch(url + query);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
  const pictures = await Promise.all(["?n=16&seed=3", "?n=16&seed=3", "?n=16&seed=4"].map(get));
  for (const { status, body } of pictures) {
    expect(status).toBe(200);
    expect(PNG.sync.read(body).width).toBeGreaterThan(4 * 90);
  }
  expect(pictures[0].body.equals(pictures[1].body)).toBe(true);
  expect(pictures[0].body.equals(pictures[2].body)).toBe(false);
  expect(await get("")).toEqual({ status: 200, body: expect.anything() });
  for (const query of ["?n=0", "?n=1e6", "?n=x", "?seed=0.5"]) expect((await get(query)).status, query).toBe(400);
  child.kill("SIGTERM");
  const { code: served, stderr: complaints } = await ended;
  expect([served, complaints]).toEqual([0, ""]);
});

it("own-encoder.js trains an encoder of its own on the compiled engine; the commands refuse its run", async () => {
  const { code, stdout, stderr } = await program("own-encoder.js", "tiny", "runs/own-encoder");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^\d+ parameters\n(epoch [123]: validation ELBO -[\d.]+\n){3}test ELBO of 100 images -[\d.]+, \d+ active units, engine compiled\n$/,
  );
  const sampled = await program("node_modules/vae/bin/vae.js", "sample", "--run", "runs/own-encoder");
  const resumed = await program("node_modules/vae/bin/vae.js", "train", "--resume", "runs/own-encoder");
  for (const refused of [sampled, resumed]) {
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toMatch(
      /^error: runs\/own-encoder was trained with its own parts: give them to \w+ of the library\.\n$/,
    );
  }
});

it("the blocks of docs/library.md, as one program, run", async () => {
  const blocks = [...readFileSync("docs/library.md", "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThan(7);
  writeFileSync(at("library.js"), blocks.join("\n").replaceAll('"mnist"', '"tiny"'));
  const { code, stdout, stderr } = await program("library.js");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("true nowhere is not the folder of a run");
  expect(stdout).toContain("grey pixels ELBO");
  expect(readdirSync(home).filter((name) => name.startsWith("sample-"))).toHaveLength(64);
});
