// The explorer's routes: fixed files of the page, and what it requests.
import type { IncomingMessage } from "node:http";
import path from "node:path";
import { readBytes } from "../files/read.js";
import { RunFolder } from "../run/folder.js";
import { followRun } from "./follow.js";
import type { Models } from "./models.js";
import { RequestError } from "./request-error.js";
import type { ExploredRuns } from "./runs.js";

export interface Request {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly type: string;
  /** Parts are sent as they come. */
  readonly body: string | Uint8Array | AsyncIterable<string>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "POST";
  answer(request: Request): Promise<Reply>;
}

/** Bytes of a request's body: of an image file in base64, and of all others. */
const MAX_FILE_BODY = 32e6;
const MAX_BODY = 4e6;
const TOO_LARGE = "The request is too large. An image file may have up to 24 MB.";
const MAX_STREAMS = 50;

const JSON_TYPE = "application/json";
const PAGE_FILES = { "": "explorer.html", "explorer.js": "explorer.js", "explorer.css": "explorer.css" };
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/** All routes by name. Reads the files of the page from `folder` once. */
export async function createRoutes(
  runs: ExploredRuns,
  models: Models,
  folder: string,
): Promise<ReadonlyMap<string, Route>> {
  const routes = new Map<string, Route>();
  const get = (name: string, answer: Route["answer"]) => routes.set(name, { method: "GET", answer });
  for (const [name, file] of Object.entries(PAGE_FILES)) {
    const reply = { type: TYPES[path.extname(file)], body: await readBytes(path.join(folder, file)) };
    get(name, async () => reply);
  }
  const withBody = bodyReader();
  let streams = 0;
  get("runs", async () => ({ type: JSON_TYPE, body: JSON.stringify(await runs.list()) }));
  get("picture", async ({ query }) => {
    const run = await runOf(query.get("run"), runs);
    const name = query.get("name") ?? "";
    const body = await (await RunFolder.open(run)).readPicture(name);
    if (!body) throw new RequestError(404, "There is no such picture");
    // An SVG opened by itself is a document: it runs no scripts.
    const headers = { "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox" };
    return { type: TYPES[path.extname(name)], body, headers };
  });
  get("events", async ({ query, signal }) => {
    const run = await runOf(query.get("run"), runs);
    signal.throwIfAborted(); // no event follows that frees the place
    if (streams >= MAX_STREAMS) throw new RequestError(503, "Too many pages are open. Close some.");
    streams++;
    signal.addEventListener("abort", () => streams--);
    return { type: "text/event-stream", body: eventStream(run, signal) };
  });
  routes.set("model", {
    method: "POST",
    answer: ({ request, signal }) =>
      withBody(request, async (text) => {
        const { run, call } = parseCall(text);
        if (text.length > MAX_BODY && call !== "openFile") throw new RequestError(413, TOO_LARGE);
        return { type: JSON_TYPE, body: await models.call(await runOf(run, runs), text, signal) };
      }),
  });
  return routes;
}

/** @throws RequestError if there is no such run */
async function runOf(run: unknown, runs: ExploredRuns): Promise<string> {
  if (typeof run === "string" && (await runs.has(run))) return run;
  throw new RequestError(404, "There is no such run. Reload the page.");
}

/** Encodes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
async function* eventStream(run: string, signal: AbortSignal): AsyncGenerator<string, void> {
  for await (const event of followRun(run, signal)) {
    yield event ? `event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n` : ":\n\n";
  }
}

function parseCall(text: string): { readonly run?: unknown; readonly call?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new RequestError(400, "The request is not JSON");
  }
}

type BodyUser = (text: string) => Promise<Reply>;

/** Returns a function that answers a JSON body by `use`. Holds one body of an image file at a time, to save memory. */
function bodyReader(): (request: IncomingMessage, use: BodyUser) => Promise<Reply> {
  let isHoldingFile = false;
  return async (request, use) => {
    const [type] = (request.headers["content-type"] ?? "").split(";");
    if (type.trim().toLowerCase() !== JSON_TYPE) throw new RequestError(415, `Send ${JSON_TYPE}`);
    const chunks: Buffer[] = [];
    let size = 0;
    let isFile = false;
    const checkAndAppend = (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_FILE_BODY) throw new RequestError(413, TOO_LARGE);
      if (size > MAX_BODY && !isFile) {
        if (isHoldingFile) throw new RequestError(503, "Another image file is being opened. Try again.");
        isHoldingFile = true;
        isFile = true;
      }
      chunks.push(chunk);
    };
    try {
      await readParts(request, checkAndAppend);
      return await use(Buffer.concat(chunks.splice(0)).toString());
    } finally {
      if (isFile) isHoldingFile = false;
    }
  };
}

/** Reads the parts of a body. If `append` throws, leaves the rest unread, and the connection open for the answer. */
function readParts(request: IncomingMessage, append: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      try {
        append(chunk);
      } catch (error) {
        request.removeAllListeners("data").pause();
        reject(error);
      }
    });
    request.on("end", resolve).on("error", reject);
    request.on("close", () => reject(new Error("The client has gone")));
  });
}
