// The exit code of `main` after an error that no command reports.
import { tmpdir } from "node:os";
import { expect, it, onTestFinished, vi } from "vitest";
import { vae } from "../vae.js";

it("a command that cannot be loaded is a bug: main prints the stack and returns 1", async () => {
  const command = "../../src/commands/complete.js";
  vi.doMock(command, () => {
    throw new Error("a truncated file");
  });
  onTestFinished(() => void vi.doUnmock(command));
  const { code, stdout, stderr } = await vae(["complete", "bash"], tmpdir());
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^Error: .*\n +at /s);
});
