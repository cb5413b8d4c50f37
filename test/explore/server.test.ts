// What the explorer's server refuses, over raw sockets where a browser or fetch would change the request.
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExploredRuns } from "../../src/explore/runs.js";
import { copyTiny } from "../helpers.js";
import { type Explorer, openExplorer, packBytes, packFloats } from "./explorer.js";

let home: string;
let before: string;
let explorer: Explorer;
let port: number;
let token: string;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-explore-server-"));
  copyTiny(home);
  mkdirSync(at("runs"));
  renameSync(at("run"), at("runs/tiny"));
  before = process.cwd();
  process.chdir(home);
  explorer = await openExplorer();
  port = Number(new URL(explorer.address).port);
  token = new URL(explorer.address).pathname.split("/")[1];
});
afterAll(async () => {
  await explorer.close();
  process.chdir(before);
  rmSync(home, { recursive: true });
});

/** Sends lines to the server. @returns the status, and the whole answer up to the end of the connection */
function send(
  head: readonly string[],
  body = "",
  host = "127.0.0.1",
  to = port,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, host);
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error) => (text === "" ? reject(error) : undefined));
    socket.on("close", () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text }));
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}

const get = (target: string, ...headers: string[]) =>
  send([`GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Connection: close", ...headers]);
const request = (method: string, target: string, ...headers: string[]) =>
  send([`${method} ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Connection: close", ...headers]);

/** Headers of a navigation that another site starts. */
const navigation = (target = "document") => [
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Mode: navigate",
  `Sec-Fetch-Dest: ${target}`,
];

const json = async (response: Response) => JSON.parse(await response.text());

describe("the page", () => {
  it("is served with headers that forbid other sources, frames and caches", async () => {
    for (const [name, type] of [
      ["", "text/html; charset=utf-8"],
      ["explorer.js", "text/javascript; charset=utf-8"],
      ["explorer.css", "text/css; charset=utf-8"],
    ]) {
      const { status, headers } = await fetch(explorer.address + name);
      expect([status, headers.get("content-type")]).toEqual([200, type]);
      const policy = headers.get("content-security-policy") ?? "";
      for (const directive of [
        ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
        ...["frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"],
      ]) {
        expect(policy.split("; ")).toContain(directive);
      }
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  it("has a token of 128 bits or more, different in each server", async () => {
    const other = await openExplorer();
    const [a, b] = [explorer, other].map(({ address }) => new URL(address).pathname.split("/")[1]);
    await other.close();
    expect(a).toMatch(/^[\w-]{22,}$/);
    expect(b).not.toBe(a);
  });
});

describe("requests without the address of the page", () => {
  const targets = (): string[] => [
    "/",
    "//",
    `/${token}`,
    `/${token.slice(0, -1)}/`,
    `/${token}x/`,
    `/${token.toUpperCase()}/runs`,
    `/x/../${token}/runs`,
    `/${token}/../${token}/runs`,
    `/${token}//runs`,
    `/${token}/./runs`,
    `/%2e/${token}/runs`,
    `//${token}/runs`,
    `/?${token}/runs`,
    `/runs?${token}`,
    `http://127.0.0.1:${port}/${token}/runs`,
    `/${encodeURIComponent(token)}%00/runs`,
    `/${token}/explorer.html`,
    `/${token}/..%2fpackage.json`,
    `/${token}/explorer.licences.txt`,
    `/${token}/__proto__`,
    `/${token}/constructor`,
    `/${token}/${"a".repeat(8000)}`,
  ];

  it("get the same answer, whatever is wrong", async () => {
    const { text: expected } = await get("/");
    const body = (text: string) => text.split("\r\n\r\n")[1];
    expect((await get(`/${token}/runs`)).status).toBe(200);
    for (const target of targets()) {
      const { status, text } = await get(target);
      expect([target, status, body(text)]).toEqual([target, 404, body(expected)]);
    }
    expect(body(expected)).not.toContain(token);
  });

  it.each([
    ["of a rebound name", () => [`Host: evil.example:${port}`]],
    ["of a name that begins with the address", () => [`Host: 127.0.0.1:${port}.evil.example`]],
    ["of another port", () => ["Host: 127.0.0.1:1"]],
    ["without a port", () => ["Host: 127.0.0.1"]],
    ["of another name of this machine", () => [`Host: 0.0.0.0:${port}`]],
    ["of an empty name", () => ["Host:"]],
    ["with a wrong host first", () => ["Host: evil.example", `Host: 127.0.0.1:${port}`]],
    ["of another origin", () => [`Host: 127.0.0.1:${port}`, "Origin: http://evil.example"]],
    ["of another port's origin", () => [`Host: 127.0.0.1:${port}`, "Origin: http://127.0.0.1:1"]],
    ["of an opaque origin", () => [`Host: 127.0.0.1:${port}`, "Origin: null"]],
    ["of the other name's origin", () => [`Host: 127.0.0.1:${port}`, `Origin: http://localhost:${port}`]],
    ["of an origin with TLS", () => [`Host: 127.0.0.1:${port}`, `Origin: https://127.0.0.1:${port}`]],
    ["from another site", () => [`Host: 127.0.0.1:${port}`, "Sec-Fetch-Site: cross-site"]],
    ["of a frame in another site", () => [`Host: 127.0.0.1:${port}`, ...navigation("iframe")]],
    ["of another site's link to a route other than the page", () => [`Host: 127.0.0.1:${port}`, ...navigation()]],
    ["from the same site", () => [`Host: 127.0.0.1:${port}`, "Sec-Fetch-Site: same-site"]],
  ])("%s are refused", async (_, headers) => {
    const { status, text } = await send([`GET /${token}/runs HTTP/1.1`, "Connection: close", ...headers()]);
    expect([400, 404]).toContain(status);
    expect(text).not.toContain("runs/tiny");
  });

  it("may come from another site's link to the page, as from a file that redirects", async () => {
    const open = (headers: string[]) => get(`/${token}/`, ...headers);
    expect((await open(navigation())).status).toBe(200);
    expect((await open(navigation("iframe"))).status).toBe(404);
    expect(
      (await open(["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"])).status,
    ).toBe(404);
  });

  it("are served on port 80 by the bare name, as browsers send it", async (context) => {
    const onDefault = await openExplorer(undefined, { port: 80 }).catch(() => undefined);
    if (!onDefault) return context.skip("port 80 is in use, or needs more rights");
    const target = new URL(onDefault.address).pathname;
    const statuses: number[] = [];
    for (const headers of [
      ["Host: 127.0.0.1", "Origin: http://127.0.0.1"],
      ["Host: localhost:80"],
      ["Host: evil.example"],
      ["Host: 127.0.0.1", "Origin: http://evil.example"],
    ]) {
      const head = [`GET ${target}runs HTTP/1.1`, "Connection: close", ...headers];
      statuses.push((await send(head, "", "127.0.0.1", 80)).status);
    }
    await onDefault.close();
    expect(statuses).toEqual([200, 200, 404, 404]);
  });

  it("are refused without a host", async () => {
    expect((await send([`GET /${token}/runs HTTP/1.1`, "Connection: close"])).status).toBe(400);
    expect((await send([`GET /${token}/runs HTTP/1.0`])).status).toBe(404);
  });

  it.each([
    ["its own name", () => [`Host: localhost:${port}`]],
    ["its own origin", () => [`Host: 127.0.0.1:${port}`, `Origin: http://127.0.0.1:${port}`]],
    ["the address bar", () => [`Host: 127.0.0.1:${port}`, "Sec-Fetch-Site: none"]],
    ["its own page", () => [`Host: localhost:${port}`, "Sec-Fetch-Site: same-origin"]],
  ])("are served with %s", async (_, headers) => {
    const { status, text } = await send([`GET /${token}/runs HTTP/1.1`, "Connection: close", ...headers()]);
    expect(status).toBe(200);
    expect(text).toContain("runs/tiny");
  });

  it("cannot come from other machines", async () => {
    const others = Object.values(networkInterfaces()).flatMap((list = []) => list.filter(({ internal }) => !internal));
    const hosts = others.flatMap(({ address, family }) => (family === "IPv4" ? address : []));
    for (const host of [...hosts, "127.0.0.2"]) {
      await expect(send([`GET /${token}/runs HTTP/1.1`, `Host: 127.0.0.1:${port}`], "", host)).rejects.toThrow("ECONN");
    }
  });
});

describe("methods and bodies", () => {
  it.each([
    ["POST", "", 405],
    ["POST", "runs", 405],
    ["GET", "model", 405],
    ["HEAD", "", 405],
    ["OPTIONS", "model", 405],
    ["PUT", "model", 405],
    ["DELETE", "runs", 405],
    ["TRACE", "", 405],
  ])("%s %s is refused", async (method, name, status) => {
    expect((await request(method, `/${token}/${name}`)).status).toBe(status);
  });

  it("a proxy is no use", async () => {
    const { text } = await send(["CONNECT example.org:443 HTTP/1.1", "Host: example.org:443"]);
    expect(text).toBe("");
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"])(
    "a body of type %s is refused, as forms of other sites send it",
    async (type) => {
      const response = await explorer.post('{"run":"runs/tiny","call":"info"}', type);
      expect([response.status, await json(response)]).toEqual([415, { error: "Send application/json" }]);
    },
  );

  it("a body that is not a call is refused in one line", async () => {
    for (const body of ["", "{", "null", "1", '"x"', "[]", "[".repeat(1e6), '{"run":"runs/tiny"}', "\0", "{}}"]) {
      const response = await explorer.post(body);
      expect([body.slice(0, 9), response.status]).toEqual([body.slice(0, 9), expect.toBeOneOf([400, 404])]);
      expect((await json(response)).error).toMatch(/^.{5,300}$/);
    }
  });

  it("bodies above the limit are refused while they are read, with a length or in chunks", async () => {
    const head = [`POST /${token}/model HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Content-Type: application/json"];
    const big = "x".repeat(33e6);
    expect((await send([...head, `Content-Length: ${big.length}`], big)).status).toBe(413);
    const chunk = `100000\r\n${"x".repeat(2 ** 20)}\r\n`;
    expect((await send([...head, "Transfer-Encoding: chunked"], chunk.repeat(32))).status).toBe(413);
    // A length that promises more than it sends.
    const file = JSON.stringify({ run: "runs/tiny", call: "openFile", base64: "x".repeat(33e6) });
    expect((await explorer.post(file).catch(() => ({ status: 413 }))).status).toBe(413);
    expect(await explorer.call("runs/tiny", "info", {})).toMatchObject({ run: "runs/tiny" });
  });

  it("calls other than openFile have a smaller limit", async () => {
    const spaces = " ".repeat(5e6);
    expect((await explorer.post(`{"run":"runs/tiny","call":"info"${spaces}}`)).status).toBe(413);
    expect((await explorer.post(`{"run":"runs/tiny","call":"openFile","base64":"x"${spaces}}`)).status).toBe(400);
  });

  it("one image file is in memory at a time, until it is opened", async () => {
    const waiting: ((json: string) => void)[] = [];
    const call = () => new Promise<string>((resolve) => waiting.push(resolve));
    const slow = await openExplorer(undefined, { models: { call, close() {} } });
    const file = JSON.stringify({ run: "runs/tiny", call: "openFile", base64: "x".repeat(5e6) });
    const first = slow.post(file);
    while (waiting.length === 0) await sleep(10);
    expect((await slow.post(file)).status).toBe(503);
    waiting[0]("{}");
    expect((await first).status).toBe(200);
    const next = slow.post(file);
    while (waiting.length === 1) await sleep(10);
    waiting[1]("{}");
    expect((await next).status).toBe(200);
    await slow.close();
  });

  it("two lengths, or a length and chunks, are refused", async () => {
    const head = [`POST /${token}/model HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Content-Type: application/json"];
    const lengths = await send([...head, "Content-Length: 2", "Content-Length: 3"], "{}");
    const both = await send([...head, "Content-Length: 2", "Transfer-Encoding: chunked"], "0\r\n\r\n");
    expect([lengths.status, both.status]).toEqual([400, 400]);
  });
});

describe("runs and pictures", () => {
  const picture = (run: string, name: string) =>
    fetch(`${explorer.address}picture?${new URLSearchParams({ run, name })}`);

  it("are listed with their results", async () => {
    const { runs, unreadable, chosen } = await json(await fetch(`${explorer.address}runs`));
    expect([unreadable, chosen]).toEqual([[], "runs/tiny"]);
    expect(runs).toEqual([
      expect.objectContaining({ run: "runs/tiny", state: "finished", epochs: 2, hasModel: true, dataset: at("tiny") }),
    ]);
    expect(runs[0].settings).toEqual(["nHidden=16", "batchSize=50"]);
    expect(runs[0].validation.elbo).toBeCloseTo(runs[0].validation.reconstruction - runs[0].validation.kl, 6);
  });

  it("are served by their listed names only", async () => {
    cpSync(at("runs/tiny"), at("elsewhere"), { recursive: true });
    for (const run of [
      "",
      "tiny",
      "./runs/tiny",
      "runs/tiny/",
      "runs/../runs/tiny",
      "runs//tiny",
      at("runs/tiny"),
      "elsewhere",
      "runs/tiny\0",
      "__proto__",
      "../etc",
    ]) {
      const response = await explorer.post(JSON.stringify({ run, call: "info" }));
      const { status } = await fetch(`${explorer.address}events?${new URLSearchParams({ run })}`);
      expect([run, response.status, status]).toEqual([run, 404, 404]);
      expect((await picture(run, "progress.png")).status).toBe(404);
    }
    for (const run of [1, null, ["runs/tiny"], { toString: "runs/tiny" }]) {
      expect((await explorer.post(JSON.stringify({ run, call: "info" }))).status).toBe(404);
    }
  });

  it("are never files outside of pictures/, behind links or of other types", async () => {
    writeFileSync(at("secret.png"), "secret");
    symlinkSync(at("secret.png"), at("runs/tiny/pictures/link.png"));
    mkdirSync(at("outside"));
    writeFileSync(at("outside/secret.png"), "secret");
    symlinkSync(at("outside"), at("runs/tiny/pictures/outside"));
    writeFileSync(at("runs/tiny/pictures/notes.txt"), "secret");
    const own = await picture("runs/tiny", "samples/001.png");
    expect([own.status, own.headers.get("content-type")]).toEqual([200, "image/png"]);
    const svg = await picture("runs/tiny", "curves.svg");
    expect([svg.status, svg.headers.get("content-type")]).toEqual([200, "image/svg+xml"]);
    expect(svg.headers.get("content-security-policy")).toMatch(/^default-src 'none'.*sandbox$/);
    for (const name of [
      "",
      ".",
      "samples",
      "samples/",
      "../config.json",
      "../../../secret.png",
      "samples/../progress.png",
      "samples//001.png",
      "./progress.png",
      "samples\\001.png",
      "/etc/passwd",
      at("secret.png"),
      "link.png",
      "outside/secret.png",
      "notes.txt",
      "progress.png\0",
      "PROGRESS.PNG",
    ]) {
      expect([name, (await picture("runs/tiny", name)).status]).toEqual([name, 404]);
    }
  });

  it("a run whose folder of pictures is a link has none", async () => {
    cpSync(at("runs/tiny"), at("runs/linked"), { recursive: true });
    rmSync(at("runs/linked/pictures"), { recursive: true });
    symlinkSync(at("outside"), at("runs/linked/pictures"));
    expect((await picture("runs/linked", "secret.png")).status).toBe(404);
    rmSync(at("runs/linked"), { recursive: true });
  });
});

describe("invalid calls are refused in one line", () => {
  const z = packFloats([1, 2], [1, 2]);
  const image = packBytes(new Uint8Array(49), [7, 7, 1]);
  it.each<[string, object, string]>([
    ["nothing", {}, "There is no such call."],
    ["__proto__", {}, "There is no such call."],
    ["toString", {}, "There is no such call."],
    ["constructor", {}, "There is no such call."],
    ["info", { extra: 1 }, 'Unknown option "extra".'],
    ["latents", {}, "The option count is undefined."],
    ["latents", { count: 0 }, "The option count is 0. It must be a whole number from 1"],
    ["latents", { count: 1e300 }, "The option count is 1e+300."],
    ["latents", { count: "9" }, 'The option count is "9".'],
    ["decode", { z: [0, 0] }, "It must be a packed array of float32."],
    ["decode", { z: { ...z, dtype: "uint8" } }, "It must be a packed array of float32."],
    ["decode", { z: { ...z, shape: [2, 2] } }, "It has 8 bytes, but its shape is [2,2]."],
    ["decode", { z: { ...z, shape: [1e9, 1e9] } }, "but its shape is [1000000000,1000000000]."],
    ["decode", { z: { ...z, shape: [-1, -2] } }, "It must be a packed array of float32."],
    ["decode", { z: { ...z, shape: [1, 2, 1] } }, "z has the shape [1,2,1], not [count,2]."],
    ["decode", { z: { ...z, base64: "%%%" } }, "It has 0 bytes, but its shape is [1,2]."],
    ["decode", { z: { ...z, base64: {} } }, "It must be a packed array of float32."],
    ["decode", { z: packFloats([Number.NaN, 1], [1, 2]) }, "Latent 0 holds NaN. Its numbers must be finite."],
    ["decode", { z: packFloats([Number.POSITIVE_INFINITY, 1], [1, 2]) }, "Latent 0 holds Infinity."],
    ["decode", { z: packFloats([1, 2, 3], [1, 3]) }, "z has the shape [1,3], not [count,2]."],
    ["decode", { z: packFloats(new Float32Array(2050), [1025, 2]) }, "A call returns up to 1024 images"],
    ["decode", { z, class: "7" }, "This model is not conditional."],
    ["decode", { z, class: { name: "7" } }, "It must be the name of a class."],
    ["draw", { seed: -1 }, "The option seed is -1."],
    ["draw", { seed: 0.5 }, "The option seed is 0.5."],
    ["infer", { image: packBytes(new Uint8Array(49), [1, 49, 1]) }, "The image has the shape [1,49,1], not [7,7,1]."],
    ["infer", { image, noise: 0.5 }, "This model was trained without noise."],
    ["infer", { image, noise: -1 }, "The option noise is -1."],
    ["infer", { image, noise: "much" }, 'The option noise is "much".'],
    ["inferTest", { index: 120 }, "There is no image 120. They are numbered from 0 to 119."],
    ["inferTest", { index: -1 }, "The option index is -1."],
    ["inferTest", { index: "__proto__" }, 'The option index is "__proto__".'],
    ["testImages", { indices: [] }, "It must be an array, and not empty."],
    ["testImages", { indices: [0, 0.5] }, "Item 1 is 0.5."],
    ["testImages", { indices: [120] }, "There is no image 120."],
    ["testImages", { indices: new Array(1025).fill(0) }, "A call returns up to 1024 images"],
    ["testImages", { indices: { length: 1e9 } }, "It must be an array"],
    ["openFile", { base64: "" }, "It must not be empty."],
    ["openFile", { base64: "aGVsbG8=" }, "it is not an image, or its format is unknown."],
    ["openFile", { base64: 7 }, "It must be a string."],
  ])("%s %o", async (call, given, problem) => {
    const response = await explorer.post(JSON.stringify({ run: "runs/tiny", call, ...given }));
    const { error } = await json(response);
    expect([response.status, error]).toEqual([400, expect.stringContaining(problem)]);
    expect(error).toMatch(/^.{5,400}$/);
  });

  it("with a key named __proto__", async () => {
    const body = '{"run":"runs/tiny","call":"info","__proto__":{"count":1}}';
    expect((await explorer.post(body)).status).toBe(400);
  });
});

describe("the events of a run", () => {
  /** Follows a run. `next` waits for the next event. */
  async function follow(run: string) {
    const gone = new AbortController();
    const query = new URLSearchParams({ run });
    const response = await fetch(`${explorer.address}events?${query}`, { signal: gone.signal });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    return {
      async next() {
        while (!text.includes("\n\n")) text += (await reader?.read())?.value ?? "";
        const end = text.indexOf("\n\n");
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        return { name, data: JSON.parse(data) };
      },
      end: () => gone.abort(),
    };
  }

  it("begin with its progress and its weights, and tell of changes", async () => {
    const { next, end } = await follow("runs/tiny");
    const { name, data: progress } = await next();
    expect(name).toBe("progress");
    expect(progress).toMatchObject({ state: "finished", planned: 2, objective: "−ELBO" });
    expect(progress.epochs).toEqual([
      expect.objectContaining({ epoch: 1, seconds: expect.any(Number) }),
      expect.objectContaining({ epoch: 2, isBest: true, imagesPerSecond: expect.any(Number) }),
    ]);
    const { train } = progress.epochs[0];
    expect(train.elbo).toBeCloseTo(train.reconstruction - train.kl, 6);
    expect(progress.pictures).toEqual(expect.arrayContaining(["progress.png", "samples/001.png", "curves.svg"]));
    expect(progress.pictures).not.toContain("notes.txt");
    expect(await next()).toEqual({ name: "weights", data: { epoch: 2 } });
    writeFileSync(at("runs/tiny/pictures/new.png"), "");
    expect((await next()).data.pictures).toContain("new.png");
    cpSync(at("runs/tiny/model.safetensors"), at("model"));
    renameSync(at("model"), at("runs/tiny/model.safetensors"));
    expect(await next()).toEqual({ name: "weights", data: { epoch: 2 } });
    end();
  });

  it("have null for numbers that are not finite, and leave out those of older versions", async () => {
    cpSync(at("runs/tiny"), at("runs/older"), { recursive: true });
    const validation = { objective: -9, elbo: null, reconstruction: null, kl: 1 };
    const lines = [
      { epoch: 1, validation },
      { epoch: 2, validation, train: { objective: -8, kl: "1" }, isBest: 1, seconds: null },
    ];
    writeFileSync(at("runs/older/metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    rmSync(at("runs/older/test.json"), { force: true });
    rmSync(at("runs/older/model.safetensors"));
    const { next, end } = await follow("runs/older");
    const { data } = await next();
    expect(data.epochs).toEqual([
      { epoch: 1, validation, isBest: false },
      {
        epoch: 2,
        validation,
        train: { objective: -8, elbo: null, reconstruction: null, kl: null },
        isBest: false,
      },
    ]);
    writeFileSync(at("runs/older/pictures/newer.png"), "");
    expect((await next()).name).toBe("progress"); // and no weights, since there are none
    end();
    rmSync(at("runs/older"), { recursive: true });
  });

  it("leave no stream open for clients that leave before it begins", async () => {
    let isHeld = true;
    let asked = 0;
    class SlowRuns extends ExploredRuns {
      override async has(run: string): Promise<boolean> {
        asked++;
        while (isHeld) await sleep(10);
        return super.has(run);
      }
    }
    const slow = await openExplorer(undefined, { runs: new SlowRuns() });
    const target = `${slow.address}events?run=runs%2Ftiny`;
    const gone = new AbortController();
    const left = Array.from({ length: 50 }, () => fetch(target, { signal: gone.signal }).catch(() => {}));
    while (asked < 50) await sleep(10);
    gone.abort();
    await Promise.all(left);
    await sleep(100);
    isHeld = false;
    const { status, body } = await fetch(target);
    await body?.cancel();
    await slow.close();
    expect(status).toBe(200);
  });
});
