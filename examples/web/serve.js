// Serves this folder on this machine only: npm start, or PORT=8081 node serve.js
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";

const ROOT = import.meta.dirname;
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const port = process.env.PORT || "8080";
if (!/^\d+$/.test(port) || Number(port) > 65535) fail(`PORT must be from 0 to 65535, not ${port}.`);

const server = createServer(async ({ url }, response) => {
  try {
    const [pathname] = url.split(/[?#]/);
    const file = path.join(ROOT, decodeURIComponent(pathname.replace(/\/$/, "/index.html")));
    if (!file.startsWith(ROOT + path.sep)) throw new Error(`${file} is outside of this folder`);
    const content = await readFile(file);
    response.setHeader("Content-Type", TYPES[path.extname(file)] ?? "application/octet-stream").end(content);
  } catch {
    response.writeHead(404, { "Content-Type": "text/plain" }).end("Not found\n");
  }
});

server.once("error", ({ message }) => fail(message)); // port in use
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
