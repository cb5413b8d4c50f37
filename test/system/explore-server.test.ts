// vae explore in real processes: its end, dying models, hostile clients, and a training in another process.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunEvents, RunList } from "../../src/explore/protocol.js";
import { parseNpy } from "../../src/formats/npy.js";
import { packFloats } from "../explore/explorer.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";
import { start, vae } from "../vae.js";

/** Starts built processes. */
const BUILT_MODELS = new URL("../../dist/explore/models.js", import.meta.url).href;

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const started: ReturnType<typeof start>[] = [];

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-explore-system-"));
  copyTiny(home);
  for (const name of ["a", "b", "c", "d"]) cpSync(at("run"), at("runs", name), { recursive: true });
});
afterEach(async () => {
  for (const { child, outcome } of started.splice(0)) {
    child.kill("SIGKILL");
    await outcome;
  }
});
afterAll(() => rmSync(home, { recursive: true }));

/** Starts vae explore, and waits for its address. */
async function explore(...args: string[]) {
  const process = start(["explore", ...args], home);
  started.push(process);
  const address = await new Promise<string>((resolve) => {
    let text = "";
    process.child.stdout.on("data", (part) => {
      text += part;
      if (text.endsWith("/\n")) resolve(text.trim());
    });
  });
  const post = (given: object, signal?: AbortSignal) =>
    fetch(`${address}model`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
      ...(signal && { signal }),
    });
  const pid = process.child.pid as number;
  return { ...process, address, port: Number(new URL(address).port), post, pid };
}

const json = async (response: Response) => JSON.parse(await response.text());
const decode = (run = "runs/a") => ({ run, call: "decode", z: packFloats([1, -1], [1, 2]) });

/** The processes that a process started and that still run. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].startsWith("Z");
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

describe.runIf(process.platform === "linux")("vae explore", () => {
  it("decodes in a process of its own as vae decode", async () => {
    const { address, post, pid } = await explore();
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    expect((await fetch(address)).status).toBe(200);
    expect(childrenOf(pid)).toEqual([]);
    const image = await json(await post(decode()));
    expect(childrenOf(pid).length).toBe(1);
    writeFileSync(at("z.csv"), "1,-1\n");
    await vae(["decode", "--run", "runs/a", "--input", "z.csv", "--out", "image.npy"], home);
    const expected = Array.from(parseNpy(readFileSync(at("image.npy")), "").data, (value) => Math.round(255 * value));
    expect([...Buffer.from(image.base64, "base64")]).toEqual(expected);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)(
    "ends at once by %s, with all its processes",
    async (by) => {
      const { post, pid, child, outcome } = await explore();
      for (const run of ["runs/a", "runs/b"]) expect((await post(decode(run))).status).toBe(200);
      const children = childrenOf(pid);
      expect(children.length).toBe(2);
      child.kill(by);
      const { signal, stderr } = await outcome;
      expect(signal).toBe(by);
      expect(stderr).toBe("Only this machine can open this address. Ctrl-C ends vae explore.\n");
      await until(() => !children.some(isRunning));
    },
  );

  it("reports a model's process that dies in one line, and starts another", async () => {
    const { address, post, pid } = await explore();
    expect((await post(decode())).status).toBe(200);
    const [model] = childrenOf(pid);
    process.kill(model, "SIGSTOP");
    const calls = [post(decode()), post(decode()), post(decode())];
    await sleep(300);
    expect((await fetch(`${address}runs`)).status).toBe(200); // while the model hangs
    process.kill(model, "SIGKILL");
    const [first, ...later] = await Promise.all(calls);
    expect(await json(first)).toEqual({ error: "The process of the model ended (SIGKILL). Try again." });
    expect([first.status, ...later.map(({ status }) => status)]).toEqual([500, 200, 200]);
    process.kill(childrenOf(pid)[0], "SIGKILL"); // between calls
    await until(() => childrenOf(pid).length === 0);
    expect((await post(decode())).status).toBe(200);
  });

  it("keeps the processes of three models", async () => {
    const { post, pid } = await explore();
    for (const run of ["a", "b", "c", "d", "a", "b"]) expect((await post(decode(`runs/${run}`))).status).toBe(200);
    await until(() => childrenOf(pid).length <= 3);
    expect(childrenOf(pid).length).toBe(3);
  });

  it("ends no process that is answering, but waits for one", async () => {
    const { post, pid } = await explore();
    for (const run of ["a", "b", "c"]) expect((await post(decode(`runs/${run}`))).status).toBe(200);
    const [a, b, c] = childrenOf(pid);
    for (const model of [a, b, c]) process.kill(model, "SIGSTOP");
    const running = ["a", "b", "c"].map((run) => post(decode(`runs/${run}`)));
    await sleep(300);
    const fourth = post(decode("runs/d"));
    await sleep(500);
    expect(childrenOf(pid)).toEqual([a, b, c]);
    process.kill(b, "SIGCONT");
    expect((await fourth).status).toBe(200);
    expect([a, b, c].map(isRunning)).toEqual([true, false, true]);
    for (const model of [a, c]) process.kill(model, "SIGCONT");
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post(decode("runs/a"))).status).toBe(200);
  });

  it("ends a process that does not answer in time, with one error", async () => {
    const { ModelProcesses }: typeof import("../../src/explore/models.js") = await import(BUILT_MODELS);
    const models = new ModelProcesses(1, 10); // enough to load a model on a busy machine
    const before = childrenOf(process.pid);
    const call = () => models.call(at("runs/a"), JSON.stringify(decode()), new AbortController().signal);
    const unanswered = expect(call()).rejects.toThrow(
      "The process of the model ended (no answer within 10 seconds). Try again.",
    );
    const modelOf = () => childrenOf(process.pid).find((child) => !before.includes(child));
    await until(() => modelOf() !== undefined);
    const model = modelOf() as number;
    process.kill(model, "SIGSTOP");
    await unanswered;
    await until(() => !isRunning(model));
    expect(JSON.parse(await call())).toMatchObject({ shape: [1, 7, 7, 1] });
    models.close();
  });

  it("drops calls of clients that have gone, and refuses more than it can do", async () => {
    const { post, pid } = await explore();
    expect((await post(decode())).status).toBe(200);
    const [model] = childrenOf(pid);
    process.kill(model, "SIGSTOP");
    const running = post(decode());
    const gone = new AbortController();
    const dropped = Array.from({ length: 50 }, () =>
      post({ ...decode(), z: packFloats(new Float32Array(2048), [1024, 2]) }, gone.signal).catch(() => {}),
    );
    await sleep(500);
    gone.abort();
    await Promise.all(dropped);
    const many = Array.from({ length: 150 }, () => post(decode()));
    const refused = await Promise.race(many);
    expect([refused.status, await json(refused)]).toEqual([503, { error: "The model has too much to do. Try again." }]);
    process.kill(model, "SIGCONT");
    const statuses = [(await running).status, ...(await Promise.all(many)).map(({ status }) => status)];
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(50);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });

  it("refuses in one line to start without a run, or on a port in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.on("listening", resolve));
    const { port } = taken.address() as { port: number };
    const empty = mkdtempSync(path.join(tmpdir(), "vae-explore-empty-"));
    for (const [args, folder, problem] of [
      [["--port", String(port)], home, `--port ${port} is in use. Choose another one, or leave out --port.`],
      [["--port", "0"], home, "It must be a whole number from 1 to 65535."],
      [[], empty, "There is no trained model in runs/. Train one with vae train, or name the folder of its run."],
      [["--run", "nothing"], home, "nothing is not the folder of a run: it has no config.json."],
    ] as const) {
      const { code, stdout, stderr } = await start(["explore", ...args], folder).outcome;
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(problem)]);
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
    }
    taken.close();
    rmSync(empty, { recursive: true });
  });
});

describe.runIf(process.platform === "linux")("hostile clients", () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** Opens connections that send a text, and then stay open. */
  function open(port: number, text: string, count: number): void {
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      sockets.push(socket);
      socket.on("error", () => {}).on("connect", () => socket.write(text));
    }
  }

  const filesOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
  const get = (port: number, target: string) => `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const begin = (port: number, target: string, rest: string) =>
    `POST ${target}model HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n${rest}`;

  it("that send nothing, or a part of a request, are cut, and do not stop others", async () => {
    const { port, post, address, pid } = await explore();
    expect((await post(decode())).status).toBe(200);
    const before = filesOf(pid);
    const target = new URL(address).pathname;
    open(port, "", 200);
    open(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nX-`, 200);
    await until(() => filesOf(pid) > before + 300);
    for (let i = 0; i < 20; i++) expect((await post(decode())).status).toBe(200);
    await until(() => filesOf(pid) < before + 10);
  });

  it("that do not end a body do not stop others", async () => {
    const { port, post, address, pid } = await explore();
    const target = new URL(address).pathname;
    open(port, begin(port, target, "Content-Length: 1000\r\n\r\n{"), 100);
    open(port, begin(port, target, "Transfer-Encoding: chunked\r\n\r\n9\r\n{"), 100);
    await until(() => filesOf(pid) > 200);
    for (let i = 0; i < 20; i++) expect((await post(decode())).status).toBe(200);
    expect((await fetch(`${address}runs`)).status).toBe(200);
  });

  it("that close half of the connection, or reset it, leave nothing behind", async () => {
    const { address, port, post, pid } = await explore();
    expect((await post(decode())).status).toBe(200);
    const before = filesOf(pid);
    const target = new URL(address).pathname;
    open(port, get(port, `${target}runs`), 50);
    open(port, get(port, `${target}events?run=runs%2Fa`), 40);
    await until(() => filesOf(pid) >= before + 90);
    await sleep(300);
    for (const [i, socket] of sockets.entries()) {
      if (i % 2 === 0) socket.end();
      else socket.resetAndDestroy();
    }
    expect((await post(decode())).status).toBe(200);
    await until(() => filesOf(pid) < before + 10);
  });

  it("that do not read their answers do not stop others", async () => {
    const { address, port, post } = await explore();
    const target = new URL(address).pathname;
    open(port, get(port, `${target}explorer.js`).repeat(100), 50);
    for (const socket of sockets) socket.pause();
    await sleep(1000);
    for (let i = 0; i < 20; i++) expect((await post(decode())).status).toBe(200);
  });

  it("with pages of events beyond the limit are refused", async () => {
    const { address, port } = await explore();
    const target = new URL(address).pathname;
    open(port, get(port, `${target}events?run=runs%2Fa`), 50);
    await sleep(1000);
    const { status, body } = await fetch(`${address}events?run=runs%2Fa`);
    await body?.cancel();
    expect(status).toBe(503);
    for (const socket of sockets) socket.destroy();
    await sleep(500);
    const free = await fetch(`${address}events?run=runs%2Fa`);
    expect(free.status).toBe(200);
    await free.body?.cancel();
  });
});

describe.runIf(process.platform === "linux")("a training in another process", () => {
  it("is followed from its start to its end, with each new model", async () => {
    await writeTinyMnist(at("data"), 6000, 120);
    const { address, post } = await explore();
    const settings = "--n-hidden 400,400 --batch-size 10 --epochs 3 --threads 1 --quiet --run runs/live".split(" ");
    const training = start(["train", "--dataset", "data", ...settings], home);
    started.push(training);
    let live: RunList["runs"][number] | undefined;
    while (!live) {
      const { runs } = (await json(await fetch(`${address}runs`))) as RunList;
      live = runs.find(({ run }) => run === "runs/live");
      await sleep(50);
    }
    expect(live).toMatchObject({ state: "in use", epochs: 0, hasModel: false });
    const early = await post({ run: "runs/live", call: "info" });
    expect([early.status, await json(early)]).toEqual([
      400,
      { error: "runs/live has no model.safetensors yet: no epoch has finished." },
    ]);
    const gone = new AbortController();
    const { body } = await fetch(`${address}events?run=runs%2Flive`, { signal: gone.signal });
    const progress: RunEvents["progress"][] = [];
    const weights: number[] = [];
    const loaded: number[] = [];
    let text = "";
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (name === "progress") progress.push(JSON.parse(data));
        if (name !== "weights") continue;
        weights.push(JSON.parse(data).epoch);
        loaded.push((await json(await post({ run: "runs/live", call: "info" }))).epoch);
      }
      if (progress.at(-1)?.state === "finished") break;
    }
    gone.abort();
    expect(progress[0]).toMatchObject({ state: "in use", epochs: [], planned: 3 });
    expect(progress.at(-1)?.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(progress.at(-1)?.pictures).toContain("samples/003.png");
    expect(weights.length).toBeGreaterThanOrEqual(2);
    for (const [i, epoch] of weights.entries()) expect(loaded[i]).toBeGreaterThanOrEqual(epoch);
    expect((await training.outcome).code).toBe(0);
  });
});
