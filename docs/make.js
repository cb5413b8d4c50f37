// Writes docs/settings.md and its picture from the tables in src/: npm run docs. A test compares the page with this output.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatDefault } from "../dist/commands/flags.js";
import { flagOf } from "../dist/commands/io.js";
import { createConfig } from "../dist/config/config.js";
import { PRESETS } from "../dist/config/presets.js";
import { SETTINGS } from "../dist/config/settings.js";
import { loadDataset } from "../dist/data/dataset.js";
import { range } from "../dist/data/pixels.js";
import { corrupt, NOISES } from "../dist/noise.js";
import { progressFigure } from "../dist/pictures/figures.js";
import { encodePng } from "../dist/pictures/png.js";
import { randomStream } from "../dist/random.js";

/** The page. */
export function settingsPage() {
  const rows = (names) =>
    names.map((name) => {
      const flag = "flag" in SETTINGS[name] ? `\`${flagOf(name)}\`` : "";
      // The default of threads depends on the machine; the page must not.
      const value = name === "threads" ? "processors, at most 8" : `\`${formatDefault(name)}\``;
      const needs = Object.entries(SETTINGS[name].needs ?? {}).map(([other, needed]) =>
        needed.map((value) => `\`${other}=${value}\``).join(" or "),
      );
      const { help, details } = SETTINGS[name];
      const meaning = [
        help,
        ...(details ? [details] : []),
        ...(needs.length > 0 ? [`with ${needs.join(" and ")}`] : []),
      ];
      return [`\`${name}\``, flag, value, SETTINGS[name].values, meaning.join("; ")].map(cell).join(" | ");
    });
  const names = Object.keys(SETTINGS);
  const noises = Object.entries(NOISES).map(([kind, noise]) =>
    [`\`${kind}\``, String(noise.default), `above 0, at most ${noise.max}`, noise.help].map(cell).join(" | "),
  );
  const presets = Object.entries(PRESETS).map(([name, { help, settings }]) => {
    createConfig(settings);
    const list = Object.entries(settings).map(([key, value]) => `\`${key}=${short(value)}\``);
    return `- **${name}**: ${help}.${list.length > 0 ? `\n  ${list.join(", ")}` : ""}`;
  });
  return `# Settings

All settings of a training, written from \`src/config/settings.ts\` by \`npm run docs\`. Common ones have a flag. \`--set name=value\` gives
any of them, \`--preset NAME\` or \`--preset FILE\` several: a JSON file such as \`{"dimZ": 20, "sigma": "exp"}\`, or the config.json of another
run. \`--set\` and flags override a preset. The config.json of a run holds all its settings.

\`--sweep name=value,value\` trains a run for each value, repeated for several settings all combinations; \`--repeat N\` with N seeds each. Semicolons
separate values that are lists or have commas: \`--sweep 'nHidden=500,500;300'\`. The group of runs has a folder, in it one for each run, named
after its values, and compare.svg. \`vae train --resume FOLDER\` finishes a group that was interrupted.

| setting | flag of \`vae train\` | default | values | meaning |
|---|---|---|---|---|
${lines(rows(names))}

## Noise

\`--noise KIND\` or \`--noise KIND:STRENGTH\`, in \`vae train\` and \`vae reconstruct\`. x is a pixel from 0 to 1, s the strength. The target
stays clean.

| kind | usual strength | strengths | meaning |
|---|---|---|---|
${lines(noises)}

![Ten digits under each kind of noise](images/noises.png)

## Presets

${presets.join("\n")}
`;
}

function lines(rows) {
  return rows.map((row) => `| ${row} |`).join("\n");
}

function cell(text) {
  return text.replaceAll("|", "\\|");
}

function short(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/** Ten test images, clean and under each kind of noise at its usual strength. */
async function noisesPicture() {
  const { test, height, width, channels } = await loadDataset("mnist");
  const size = { height, width, channels };
  const clean = test.pixels.read(range(0, 10));
  const row = (label, pixels) => ({ label, images: { pixels, ...size } });
  const noisy = Object.entries(NOISES).map(([kind, noise]) => {
    const pixels = new Float32Array(clean.length);
    corrupt({ kind, strength: noise.default }, clean, size, randomStream(0, "evaluation noise"), pixels);
    return row(kind, pixels);
  });
  return encodePng(
    progressFigure([
      row(
        "input",
        Float32Array.from(clean, (byte) => byte / 255),
      ),
      ...noisy,
    ]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const place = (name) => fileURLToPath(new URL(name, import.meta.url));
  writeFileSync(place("settings.md"), settingsPage());
  writeFileSync(place("images/noises.png"), await noisesPicture());
}
