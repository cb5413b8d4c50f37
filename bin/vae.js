#!/usr/bin/env node
// Checks what must be there before anything is loaded, then starts the command line.
import { existsSync } from "node:fs";

const cli = new URL("../dist/cli.js", import.meta.url);
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: vae needs Node.js 20.19 or newer, and this is ${process.versions.node}`);
  process.exitCode = 1;
} else if (!existsSync(cli)) {
  console.error("error: vae has not been built. Run: npm ci && npm run build");
  process.exitCode = 1;
} else {
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2), process);
}
