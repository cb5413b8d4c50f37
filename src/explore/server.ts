// The explorer's HTTP server. It serves only this machine, and only requests with the token of its address.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../errors.js";
import { printableLine } from "../wording.js";
import { RequestError } from "./request-error.js";
import type { Reply, Route } from "./routes.js";

const HOST = "127.0.0.1";
/** Of http: addresses. */
const DEFAULT_PORT = 80;
const TOKEN_BYTES = 24;
/** A page uses a few connections. Others may only wait: see the time limits. */
const MAX_CONNECTIONS = 500;
const MAX_HEADER_MILLISECONDS = 5000;
const MAX_REQUEST_MILLISECONDS = 60_000;
const MAX_WRITE_MILLISECONDS = 30_000;

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

export interface ExplorerServer {
  /** The page's address, with the token. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Starts the server on 127.0.0.1.
 *
 * @param port 0 for a free one
 * @throws a system error if the port is in use
 */
export async function startServer(routes: ReadonlyMap<string, Route>, port: number): Promise<ExplorerServer> {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const server = createServer(
    {
      headersTimeout: MAX_HEADER_MILLISECONDS,
      requestTimeout: MAX_REQUEST_MILLISECONDS,
      keepAliveTimeout: MAX_HEADER_MILLISECONDS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => answer(request, response, { routes, token }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = MAX_HEADER_MILLISECONDS; // the other limits begin with the first byte
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    address: `http://${HOST}:${chosen}/${token}/`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Site {
  readonly routes: ReadonlyMap<string, Route>;
  readonly token: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, { routes, token }: Site): Promise<void> {
  request.socket.setTimeout(0); // the answer may take longer
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.on("error", () => gone.abort());
  try {
    const [, given = "", name, query = ""] = /^\/([^/?]*)\/([^/?]*)(?:\?(.*))?$/s.exec(request.url ?? "") ?? [];
    const route = name === undefined ? undefined : routes.get(name);
    // One answer for all of them, so that a program without the token learns nothing.
    if (!isEqual(given, token) || !isOwn(request, name) || !route) throw new RequestError(404, "Not found");
    if (request.method !== route.method) throw new RequestError(405, `Use ${route.method}`);
    const { signal } = gone;
    await send(response, await route.answer({ request, query: new URLSearchParams(query), signal }), signal);
  } catch (error) {
    if (!gone.signal.aborted) refuse(request, response, error);
  }
}

/** Compares in constant time. */
function isEqual(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether a request is to this server by its own name, and from its own page: no other site, and no rebound name. */
function isOwn({ headers, socket }: IncomingMessage, name: string | undefined): boolean {
  const { host = "", origin } = headers;
  const { localPort } = socket;
  const names = [HOST, "localhost"];
  const hosts = names.map((name) => `${name}:${localPort}`);
  if (localPort === DEFAULT_PORT) hosts.push(...names); // browsers omit it
  return hosts.includes(host) && (origin === undefined || origin === `http://${host}`) && isFromOwnPage(headers, name);
}

/** Whether the page sends the request, or the user opens the page, perhaps by a link. */
function isFromOwnPage(headers: IncomingHttpHeaders, name: string | undefined): boolean {
  const { "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": target } = headers;
  if (site === undefined || site === "same-origin" || site === "none") return true;
  return name === "" && mode === "navigate" && target === "document";
}

async function send(response: ServerResponse, { type, body, headers }: Reply, signal: AbortSignal): Promise<void> {
  const limit = () => response.setTimeout(MAX_WRITE_MILLISECONDS, () => response.destroy());
  if (typeof body === "string" || body instanceof Uint8Array) {
    limit();
    response.writeHead(200, { "Content-Type": type, ...headers }).end(body);
    return;
  }
  const parts = body[Symbol.asyncIterator]();
  let part = await parts.next(); // an error of the first part has a status
  limit();
  response.writeHead(200, { "Content-Type": type, ...headers });
  for (; !part.done && !signal.aborted; part = await parts.next()) {
    if (!response.write(part.value)) await once(response, "drain", { signal });
  }
  response.end();
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, message } = describe(error);
  // Ends the connection instead of reading the rest of the body.
  if (!request.complete) response.setHeader("Connection", "close");
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ error: message }));
}

function describe(error: unknown): { status: number; message: string } {
  if (error instanceof RequestError) return error;
  if (error instanceof UserError) return { status: 400, message: printableLine(error.message) };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, message: printableLine(message) };
}
