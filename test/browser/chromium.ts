// Runs ONNX models with onnxruntime-web in headless Chromium. A server gives page.html the cases, and receives the
// results.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** An array in JSON. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A model and its inputs by name. */
export interface OnnxCase {
  /** The path of the .onnx file. */
  readonly model: string;
  readonly inputs: Readonly<Record<string, Numbers>>;
}

/** The outputs of a model by name. */
export type OnnxResult = Readonly<Record<string, Numbers>>;

const PAGE = fileURLToPath(new URL("page.html", import.meta.url));
const RUNTIME = fileURLToPath(new URL("../../examples/web/node_modules/onnxruntime-web/dist", import.meta.url));
const TYPES: Record<string, string> = { ".mjs": "text/javascript", ".wasm": "application/wasm" };

/**
 * @param chromium path of the browser's program
 * @param folder folder of the models
 */
export async function runInChromium(
  chromium: string,
  folder: string,
  cases: readonly OnnxCase[],
): Promise<OnnxResult[]> {
  const profile = mkdtempSync(path.join(tmpdir(), "vae-chromium-"));
  const contentOf = (place: string, ...rest: string[]): string | Buffer | undefined => {
    if (place === "") return readFileSync(PAGE);
    if (place === "cases.json") return JSON.stringify(cases);
    if (place === "models") return readFileSync(path.join(folder, ...rest));
    return place === "ort" ? readFileSync(path.join(RUNTIME, ...rest)) : undefined;
  };
  const server = createServer();
  const answer = new Promise<string>((resolve) => {
    server.on("request", async (request, response) => {
      const url = new URL(request.url as string, "http://127.0.0.1");
      if (url.pathname === "/answer") resolve(await text(request));
      const [, place, ...rest] = url.pathname.split("/");
      const content = contentOf(place, ...rest);
      const type = TYPES[path.extname(url.pathname)] ?? "text/html";
      response.writeHead(content === undefined ? 404 : 200, { "Content-Type": type }).end(content);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  // Starts a new process group, since the program may be a script that starts the browser.
  const child = spawn(chromium, [...flags, `http://127.0.0.1:${port}/`], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const closed = text(child.stderr);
  const failure = Promise.race([
    closed.then((errors) => `Chromium ended without an answer: ${errors}`),
    setTimeout(120_000, "Chromium gave no answer in 120 s", { ref: false }),
  ]);
  try {
    const { results, error } = JSON.parse(
      await Promise.race([answer, failure.then((error) => JSON.stringify({ error }))]),
    );
    if (error !== undefined) throw new Error(error);
    return results;
  } finally {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await closed;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
