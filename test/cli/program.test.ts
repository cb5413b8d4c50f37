// The program's name in commands that the user copies from the terminal.
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { expect, it } from "vitest";
import { programName, resumeCommand } from "../../src/commands/program.js";

const file = path.resolve("some where", "bin", "vae.js");

it.each([
  ["npm start", { npm_lifecycle_event: "start" }, file, "npx vae"],
  ["npx", { npm_lifecycle_event: "npx" }, "/usr/bin/vae", "npx vae"],
  ["an installed command", {}, "/usr/local/bin/vae", "vae"],
  ["its file", { npm_lifecycle_event: "test" }, file, `node '${path.join("some where", "bin", "vae.js")}'`],
])("a program started by %s prints commands that start it the same way", (_, env, script, expected) => {
  const [stdin, stdout, stderr] = [Readable.from([]), new Writable(), new Writable()];
  const io = { env, argv: ["node", script], stdin, stdout, stderr };
  expect(programName(io)).toBe(expected);
  expect(resumeCommand(io, "a run")).toBe(`${expected} train --resume 'a run'`);
});
