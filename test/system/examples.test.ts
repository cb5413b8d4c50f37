// Runs the programs of examples/ and docs/library.md as a user would, from a folder with vae in its node_modules.
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
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-examples-"));
  writeFileSync(at("package.json"), '{"type":"module"}');
  mkdirSync(at("node_modules"));
  symlinkSync(process.cwd(), at("node_modules/vae"), "junction");
  await writeTinyMnist(at("tiny"), 600, 120);
  for (const name of readdirSync("examples").filter((name) => name.endsWith(".js")))
    copyFileSync(path.join("examples", name), at(name));
});
afterAll(() => rmSync(home, { recursive: true }));

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, { cwd: home, env: { ...process.env, PORT: "0", ...env } });
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

it("train-and-sample.js trains and draws samples; other examples use its model", async () => {
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

it("own-encoder.js trains a custom encoder on the compiled engine; the commands refuse its run", async () => {
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
      /^error: runs\/own-encoder was trained with the user's own parts: give them to the library's \w+\.\n$/,
    );
  }
});

/** Blocks of JavaScript. */
const blocksOf = (document: string) =>
  [...readFileSync(document, "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

it("each block of README.md runs as a program, and the translation differs only in comments", async () => {
  const withoutComments = (document: string) => blocksOf(document).map((block) => block.replace(/\/\/.*/g, ""));
  expect(withoutComments("README.zh-CN.md")).toEqual(withoutComments("README.md"));
  for (const [i, block] of blocksOf("README.md").entries()) {
    const run = `runs/readme-${i}`;
    writeFileSync(
      at("readme.js"),
      block.replaceAll("runs/mine", run).replace("{ dimZ: 2", '{ dataset: "tiny", dimZ: 2'),
    );
    const { code, stdout, stderr } = await program("readme.js");
    expect([code, stderr], block).toEqual([0, ""]);
    expect(stdout).toMatch(/^1 -[\d.]+\n2 -[\d.]+\n3 -[\d.]+\n/);
  }
});

it("the blocks of docs/library.md run as one program", async () => {
  const blocks = blocksOf("docs/library.md");
  expect(blocks.length).toBeGreaterThan(7);
  writeFileSync(at("library.js"), blocks.join("\n").replaceAll('"mnist"', '"tiny"'));
  const { code, stdout, stderr } = await program("library.js");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("true nowhere is not the folder of a run");
  expect(stdout).toContain("grey pixels ELBO");
  expect(readdirSync(home).filter((name) => name.startsWith("sample-"))).toHaveLength(64);
});

it.each([
  ["train-and-sample.js", ["nowhere"], "nowhere"],
  ["own-encoder.js", ["nowhere"], "nowhere"],
  ["neighbours.js", ["nowhere"], "nowhere is not the folder of a run"],
  ["serve-samples.js", ["nowhere"], "nowhere is not the folder of a run"],
])("%s reports a user's mistake in one line", async (example, args, problem) => {
  const { code, stdout, stderr } = await program(example, ...args);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(problem);
});

it("neighbours.js requires the number of a test image", async () => {
  mkdirSync(at("small"));
  copyTiny(at("small"));
  for (const image of ["120", "x", "-1", "1.5"]) {
    const { code, stderr } = await program("neighbours.js", "small/run", image);
    expect([code, stderr]).toEqual([1, `error: There is no test image ${image}. Choose from 0 to 119.\n`]);
  }
});

const RESET = 0;

describe("serve-samples.js", () => {
  beforeAll(() => {
    mkdirSync(at("served"));
    copyTiny(at("served"));
  });

  async function serve(env: Record<string, string> = {}) {
    const server = start(["serve-samples.js", "served/run"], env);
    const [line] = await once(server.child.stdout, "data");
    const [, host, port] = /^http:\/\/(.+):(\d+)\/\n$/.exec(String(line)) ?? [];
    return { ...server, host: host.replace(/[[\]]/g, ""), port: Number(port) };
  }

  /** All that the server sends until it closes the connection. */
  async function ask(port: number, request: string): Promise<Buffer> {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    socket.on("data", (part) => parts.push(part));
    socket.on("error", () => {}); // a reset if the server stops reading
    socket.write(request);
    await new Promise((resolve) => socket.once("close", resolve));
    return Buffer.concat(parts);
  }
  const get = (target: string, method = "GET") =>
    `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  /** The status, or RESET if the server closed the connection during the request, which discards the answer. */
  const statusOf = (answer: Buffer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString("latin1"))?.[1] ?? RESET);

  it("answers any request with a status, and keeps serving", async () => {
    const { child, ended, port, host } = await serve();
    expect(host).toBe("127.0.0.1");
    const statuses: [request: string, status: number][] = [
      [get("//"), 404],
      [get("///"), 404],
      [get("/favicon.ico"), 404],
      [get("http://["), 400],
      [get("http://localhost/?n=1"), 400],
      [get("*"), 400],
      [get("*", "OPTIONS"), 400],
      [get("?n=1"), 400],
      [get("/", "POST"), 405],
      [get("/", "DELETE"), 405],
      [get("/?n=2&seed=1", "HEAD"), 200],
      [get("/?n=2&seed=1"), 200],
      [get("/"), 200],
      ["rubbish\r\n\r\n", 400],
      [`GET / HTTP/1.1\r\nHost: x\r\n${"x: y\r\n".repeat(20_000)}\r\n`, 431],
      [get(`/?n=${"1".repeat(100_000)}`), 431],
      [get(`/?n=${"1".repeat(5000)}`), 400],
      [get(`/?seed=${"1".repeat(5000)}`), 400],
    ];
    for (const value of [
      "",
      "NaN",
      "1e999",
      "1e1",
      "-1",
      "1.5",
      "0",
      "401",
      "0x10",
      "%zz",
      "%",
      "%00",
      "+1",
      "1&n=1",
    ]) {
      statuses.push([get(`/?n=${value}`), 400]);
    }
    for (const value of ["", "NaN", "1e999", "-1", "1.5", "x", "%ff", "1&seed=1"]) {
      statuses.push([get(`/?seed=${value}`), 400]);
    }
    for (const [request, status] of statuses) {
      const expected = status === 431 ? [431, RESET] : [status];
      expect(expected, request.slice(0, 60)).toContain(statusOf(await ask(port, request)));
    }
    const head = (await ask(port, get("/?n=2&seed=1", "HEAD"))).toString("latin1");
    const whole = await ask(port, get("/?n=2&seed=1"));
    const body = whole.subarray(whole.indexOf("\r\n\r\n") + 4);
    expect(head).toContain(`content-length: ${body.length}\r\n`);
    expect(head.endsWith("\r\n\r\n")).toBe(true);
    expect(PNG.sync.read(body).width).toBeGreaterThan(2 * 90);

    const rude = connect(port, "127.0.0.1"); // disconnects without waiting for its picture
    rude.write(get("/?n=400"), () => rude.resetAndDestroy());
    await once(rude, "close");
    expect(statusOf(await ask(port, get("/")))).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends on %s despite idle clients, and answers first", async (signal) => {
    const { child, ended, port } = await serve();
    const idle: Socket[] = [];
    for (const text of ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", get("/").replace("close", "keep-alive")]) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      idle.push(socket);
      await once(socket, "connect");
      socket.write(text);
    }
    await once(idle[3], "data");
    const request = ask(port, get("/?n=400&seed=1").replace("close", "keep-alive"));
    const first = ask(port, get("/?n=1&seed=1"));
    await first; // read after the request for 400, so the server has begun to answer that one
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
    const answer = await request;
    expect(PNG.sync.read(answer.subarray(answer.indexOf("\r\n\r\n") + 4)).width).toBeGreaterThan(400);
    for (const socket of idle) socket.destroy();
  });

  it("reports in one line that it cannot listen", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const mistakes: [env: Record<string, string>, problem: string][] = [
      [{ PORT: port }, "EADDRINUSE"],
      [{ HOST: "not a host" }, "not a host"],
    ];
    for (const PORT of ["65536", "-1", "x", "80.5", "1e3"]) {
      mistakes.push([{ PORT }, `PORT must be from 0 to 65535, not ${PORT}.`]);
    }
    for (const [env, problem] of mistakes) {
      const { code, stdout, stderr } = await start(["serve-samples.js", "served/run"], env).ended;
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^error: .*\n$/);
      expect(stderr).toContain(problem);
    }
    other.close();
  });

  it("prints the address it listens on", async () => {
    const { child, ended, host } = await serve({ HOST: "0.0.0.0" });
    expect(host).toBe("0.0.0.0");
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });
});
