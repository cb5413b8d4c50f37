// Runs the commands of README.md and docs/ in a real shell, in the order of the text, with small data and few epochs.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { LAUNCHER } from "../vae.js";

const TRANSLATED = ["README.md", "docs/tutorial.md"];
const ENGLISH = readdirSync("docs").filter((name) => /^\w+\.md$/.test(name));
const DOCUMENTS = ["README.md", ...ENGLISH.map((name) => `docs/${name}`)];
/** Appends flags that shorten the command: later flags replace earlier ones. Stops the explorer after its start. */
const PROGRAM = `#!/bin/sh
case " $* " in
  " explore "*)
    printed=address.txt
    rm -f "$printed"
    "${process.execPath}" "${LAUNCHER}" "$@" > "$printed" &
    until test -s "$printed"; do kill -0 $! && sleep 0.1 || exit 1; done
    kill $!
    wait $!
    test $? = 143
    exit ;;
  *" train --resume "*) ;;
  *" train "*)
    set -- "$@" --epochs 1 --quiet
    case " $* " in
      *" --dataset "*|*" --input-dir "*) ;;
      *) set -- "$@" --dataset tiny --n-hidden 8 --limit 200 ;;
    esac ;;
  *" evaluate "*) set -- "$@" --n 10 --importance-samples 10 ;;
  *" reconstruct "*"--n 10000"* | *" latent "*"--n "*) set -- "$@" --n 20 ;;
esac
exec "${process.execPath}" "${LAUNCHER}" "$@"
`;

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const shell = (command: string, cwd: string) => {
  const { PATH = "" } = process.env;
  const env = { ...process.env, PATH: `${at("bin")}${path.delimiter}${PATH}` };
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd, env, encoding: "utf8" });
  return { code: status, stdout, stderr };
};

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-documents-"));
  mkdirSync(at("bin"));
  writeFileSync(at("bin/vae"), PROGRAM);
  writeFileSync(at("bin/npx"), '#!/bin/sh\nexec "$@"\n');
  for (const name of ["vae", "npx"]) chmodSync(at("bin", name), 0o755);
  const draw = path.resolve("examples/draw-photos.js");
  for (const folder of ["photos", "clean"]) expect(shell(`node '${draw}' ${folder} 12`, home).code).toBe(0);
  cpSync(at("clean"), at("hazy"), { recursive: true });
  await sharp({ create: { width: 40, height: 30, channels: 3, background: "grey" } }).toFile(at("seven.jpg"));
});
afterAll(() => rmSync(home, { recursive: true }));

it.each(DOCUMENTS.filter((file) => commandsOf(file).length > 0))("the commands of %s", { timeout: 300_000 }, (file) => {
  const cwd = at(path.basename(file, ".md"));
  for (const folder of ["photos", "clean", "hazy"]) cpSync(at(folder), path.join(cwd, folder), { recursive: true });
  cpSync(at("seven.jpg"), path.join(cwd, "seven.jpg"));
  copyTiny(cwd);
  cpSync(path.join(cwd, "run"), path.join(cwd, "runs/earlier"), { recursive: true });
  for (const command of commandsOf(file)) {
    const { code, stdout, stderr } = shell(command, cwd);
    expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
  }
});

it.each(TRANSLATED)("the Chinese translation of %s has the same commands, in the same order", (file) => {
  expect(commandsOf(file.replace(".md", ".zh-CN.md"))).toEqual(commandsOf(file));
});

/** The commands of shell blocks, and inline ones in README and tutorial. Skips templates: PATH, FOLDER, …. */
function commandsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const blocks = [...text.matchAll(/^```(?:sh)?\n(.*?)^```$/gms)].flatMap(([, block]) => block.split("\n"));
  const lines = blocks.map((line) => line.replace(/^\$ /, "").replace(/\s+#.*$/, ""));
  const inline = /README|tutorial/.test(file)
    ? [...text.matchAll(/`((?:npx )?vae\s[^`\s]+\s[^`]+)`/g)].map(([, command]) =>
        command.replaceAll("\\|", "|").replace(/\s+/g, " "),
      )
    : [];
  const commands = [...lines.filter((line) => /^(npx )?vae /.test(line)), ...inline];
  return [...new Set(commands)].filter((command) => !/[A-Z]{4}|…/.test(command));
}
