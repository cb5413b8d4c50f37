// --open of the commands that write a picture and of explore, with a viewer that records its arguments.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { start } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const NO_DISPLAY = { DISPLAY: "", WAYLAND_DISPLAY: "", SSH_CONNECTION: "", SSH_TTY: "", WSL_DISTRO_NAME: "" };
const run = (command: string, env: Record<string, string>) =>
  start(command.split(" "), home, { ...NO_DISPLAY, ...env }).outcome;
/** Puts the test's viewer first on PATH. */
const withViewer = () => ({ DISPLAY: ":0", PATH: `${at("bin")}${path.delimiter}${process.env.PATH}` });

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-open-"));
  copyTiny(home);
  mkdirSync(at("bin"));
  // The rename is atomic, so the test never reads a partial file.
  const script = `#!/bin/sh
echo $$ > "${at("viewer")}"
printf '%s\\n' "$@" > "${at("opened.tmp")}"
mv "${at("opened.tmp")}" "${at("opened")}"
exec sleep 600
`;
  writeFileSync(at("bin", "xdg-open"), script);
  chmodSync(at("bin", "xdg-open"), 0o755);
  writeFileSync(at("z.csv"), "0,1\n1,0\n");
});
afterAll(() => rmSync(home, { recursive: true }));

/** The arguments of the viewer, which must still run: nothing waited for its end. Ends it. */
async function opened(): Promise<string> {
  await expect.poll(() => existsSync(at("opened"))).toBe(true);
  const text = readFileSync(at("opened"), "utf8");
  rmSync(at("opened"));
  process.kill(Number(readFileSync(at("viewer"), "utf8")));
  return text;
}

/** Waits for a note, and ends the command. @returns what it printed on stderr */
async function noteOf({ child, outcome }: ReturnType<typeof start>, note: RegExp): Promise<string> {
  let text = "";
  const printed = new Promise((resolve) => {
    child.stderr.on("data", (part) => {
      text += part;
      if (note.test(text)) resolve(text);
    });
  });
  await Promise.race([printed, outcome]);
  child.kill();
  return (await outcome).stderr;
}

describe.runIf(process.platform === "linux")("--open", () => {
  it.each([
    ["reconstruct --run run --n 3", "run/pictures/reconstructions-n3-seed0.png"],
    ["sample --run run --n 4 --out four.png", "four.png"],
    ["manifold --run run --size 3x3", "run/pictures/manifold-3x3-2.png"],
    ["latent --run run", /run\/pictures\/latent-n\d+-seed0\.svg/],
    ["interpolate --run run --out ./-way.png", "-way.png"],
    ["decode --run run --input z.csv --out decoded.png", "decoded.png"],
    ["compare run", "compare.svg"],
    ["compare run --pictures twins.svg --json", "twins.svg"],
    ["train --resume run --epochs 3 --quiet", "run/pictures/progress.png"],
    [
      "train --dataset tiny --n-hidden 4 --dim-z 2 --batch-size 10 --epochs 1 --quiet --sweep beta=1,2 --run group",
      "group/compare.svg",
    ],
  ])("of %s passes the picture to the viewer, and does not wait for it", async (command, file) => {
    const { code, stderr } = await run(`${command} --open`, withViewer());
    expect([code, stderr.includes("No viewer")], stderr).toEqual([0, false]);
    const text = await opened();
    expect(text.startsWith(home)).toBe(true);
    expect(text.slice(home.length + 1, -1)).toMatch(file);
    expect(existsSync(text.trimEnd())).toBe(true);
  });

  it.each([
    ["there is no display", {}, "there is no display (DISPLAY is not set)"],
    ["it is a session over SSH", { SSH_CONNECTION: "1 2 3 4" }, "this session runs over SSH, without a display"],
    ["no viewer is installed", { DISPLAY: ":0", PATH: "/nowhere" }, "xdg-open is not installed"],
  ])("prints one note if %s", async (_, env, problem) => {
    const { code, stdout, stderr } = await run("sample --run run --n 2 --out two.png --open", env);
    expect([code, stdout]).toEqual([0, "two.png\n"]);
    const notes = stderr.split("\n").filter((line) => line.includes("viewer"));
    expect(notes).toEqual([`No viewer was opened for two.png: ${problem}.`]);
    expect(existsSync(at("opened"))).toBe(false);
  });

  it("of explore passes the browser a private file that redirects to the address, and deletes it", async () => {
    const { child, outcome } = start(["explore", "--run", "run", "--open"], home, { ...NO_DISPLAY, ...withViewer() });
    const file = (await opened()).trimEnd();
    const redirect = readFileSync(file, "utf8");
    const modes = [file, path.dirname(file)].map((place) => statSync(place).mode & 0o777);
    child.kill();
    const { stdout, stderr } = await outcome;
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/\n$/);
    expect(redirect).toContain(`<meta http-equiv="refresh" content="0; url=${stdout.trimEnd()}">`);
    expect(modes).toEqual([0o600, 0o700]);
    expect(existsSync(path.dirname(file))).toBe(false);
    expect(stderr).not.toContain("No browser");
  });

  it("of explore prints one note if the file cannot be written", async () => {
    const env = { ...NO_DISPLAY, ...withViewer(), TMPDIR: at("missing") };
    const note = /^No browser was opened: .*ENOENT.*$/m;
    expect(await noteOf(start(["explore", "--run", "run", "--open"], home, env), note)).toMatch(note);
  });

  it("of explore prints one note if there is no display", async () => {
    const note = /^No browser was opened: there is no display \(DISPLAY is not set\)\.$/m;
    expect(await noteOf(start(["explore", "--run", "run", "--open"], home, NO_DISPLAY), note)).toMatch(note);
  });

  it("is refused if no picture is written", async () => {
    for (const command of [
      "decode --run run --input z.csv --out z.npy",
      "decode --run run --input z.csv",
      "compare run --json",
      "sample --run run --n 2 --each samples",
    ]) {
      const { code, stderr } = await run(`${command} --open`, withViewer());
      expect([code, stderr], command).toEqual([2, expect.stringMatching(/^error: .*--open/)]);
    }
  });
});
