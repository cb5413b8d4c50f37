// bin/vae.js in real processes: streams and exit code.
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { VERSION } from "../../src/version.js";
import { start } from "../vae.js";

const launch = (...args: string[]) => start(args, tmpdir()).outcome;

it("exits with 0 and prints results to stdout", async () => {
  expect(await launch("--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
});

it("exits with 2 after a user's mistake, with one line on stderr", async () => {
  const stderr = "error: Unknown command trian. Use vae train.\n";
  expect(await launch("trian")).toEqual({ code: 2, stdout: "", stderr });
});

it.runIf(process.platform === "linux")("exits with 1 after a system error, with one line on stderr", async () => {
  const { code, stdout, stderr } = await launch("train", "--dataset", "mnist", "--run", "/proc/none/run");
  expect(stderr).toMatch(/^error: .*mkdir '\/proc\/none'[^\n]*\n$/);
  expect([code, stdout]).toEqual([1, ""]);
});
