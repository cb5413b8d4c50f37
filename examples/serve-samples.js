// Serves new images over HTTP: PORT=8080 node examples/serve-samples.js [RUN], then http://127.0.0.1:8080/?n=16&seed=3
// Listens on 127.0.0.1, so only this machine can connect. Set HOST to change that.
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { drawImages, encodePng, loadModel, UserError } from "vae";

const host = process.env.HOST || "127.0.0.1";
const port = process.env.PORT || "8080";
if (!/^\d+$/.test(port) || Number(port) > 65535) fail(new UserError(`PORT must be from 0 to 65535, not ${port}.`));
const model = await loadModel(process.argv[2]).catch(fail); // default: the newest run in runs/

const { width, height, channels } = model.size;
const MAX = Math.max(1, Math.min(400, Math.floor(1e7 / (width * height * channels))));

/** Returns [status, content type, body]. */
async function answer({ method, url }) {
  // new URL(url) throws for some requests, such as GET //
  const [, path, query] = /^([^?]*)(.*)$/s.exec(url);
  if (!path.startsWith("/")) return [400, "text/plain", "The request must begin with a path.\n"];
  if (path !== "/") return [404, "text/plain", "Images are at /?n=16&seed=3\n"];
  if (method !== "GET" && method !== "HEAD") return [405, "text/plain", "Only GET and HEAD.\n"];
  try {
    const parameters = new URLSearchParams(query);
    const n = wholeNumber(parameters, "n") ?? 1;
    if (n > MAX) throw new UserError(`n must be at most ${MAX}.`);
    const samples = await model.sample(n, { seed: wholeNumber(parameters, "seed") ?? Date.now() });
    return [200, "image/png", encodePng(drawImages(samples))];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [400, "text/plain", `${error.message}\n`];
  }
}

function wholeNumber(parameters, name) {
  const values = parameters.getAll(name);
  if (values.length > 1 || values.some((value) => !/^\d+$/.test(value))) {
    throw new UserError(`${name} must be one whole number.`);
  }
  return values.length > 0 ? Number(values[0]) : undefined;
}

const answering = new Set();
const timeouts = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 };
const server = createServer(timeouts, async (request, response) => {
  const closed = new Promise((resolve) => response.once("close", resolve));
  answering.add(closed);
  closed.then(() => answering.delete(closed));
  const [status, type, body] = await answer(request).catch((error) => {
    console.error(error);
    return [500, "text/plain", "Internal error. See the server's output.\n"];
  });
  const headers = { "content-type": type, "content-length": Buffer.byteLength(body), allow: "GET, HEAD" };
  response.writeHead(status, headers).end(body);
});

server.once("error", fail); // port in use
server.listen(Number(port), host, () => {
  server.off("error", fail).on("error", (error) => console.error(error.message)); // too many connections
  const { address, family, port } = server.address();
  console.log(`http://${family === "IPv6" ? `[${address}]` : address}:${port}/`);
});

/** Waits up to five seconds for pending responses, then closes all connections. */
async function stop() {
  server.close();
  await Promise.race([Promise.all(answering), setTimeout(5000, undefined, { ref: false })]);
  server.closeAllConnections();
  await model.close();
}
process.once("SIGTERM", stop).once("SIGINT", stop);

/** Prints user and system errors as one line. Other errors are bugs and keep their stack trace. */
function fail(error) {
  console.error(error instanceof UserError || "syscall" in error ? `error: ${error.message}` : error);
  process.exit(1);
}
