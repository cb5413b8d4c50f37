// npm run docs: writes docs/settings.md, its picture and settings.schema.json from the tables in src/. A test compares
// the page and the schema with this output.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatDefault } from "../dist/commands/flags.js";
import { createConfig } from "../dist/config/config.js";
import { PRESETS } from "../dist/config/presets.js";
import { SETTINGS } from "../dist/config/settings.js";
import { loadDataset } from "../dist/data/dataset.js";
import { range } from "../dist/data/pixels.js";
import { corrupt, NOISES } from "../dist/noise.js";
import { progressFigure } from "../dist/pictures/figures.js";
import { encodePng } from "../dist/pictures/png.js";
import { randomStream } from "../dist/random.js";
import { flagOf } from "../dist/shell.js";

/** The page. */
export function settingsPage() {
  const rows = (names) =>
    names.map((name) => {
      const flag = "flag" in SETTINGS[name] ? `\`${flagOf(name)}\`` : "";
      // The default of threads depends on the machine; the page must not.
      const value = name === "threads" ? "processors, at most 8" : `\`${formatDefault(name)}\``;
      return [`\`${name}\``, flag, value, SETTINGS[name].values, meaningOf(name, "`")].map(cell).join(" | ");
    });
  const names = Object.keys(SETTINGS);
  const noises = Object.entries(NOISES).map(([kind, noise]) =>
    [`\`${kind}\``, String(noise.default), `above 0, at most ${noise.max}`, noise.help].map(cell).join(" | "),
  );
  const presets = Object.entries(PRESETS).map(([name, { help, settings }]) => {
    createConfig(settings);
    const list = Object.entries(settings).map(([key, value]) => `\`${key}=${short(value)}\``);
    return [`- **${name}**: ${help}.`, ...(list.length > 0 ? [list.join(", ")] : [])].map(wrap).join("\n  ");
  });
  return `# Settings

Common settings have a flag; \`--set name=value\` changes any of them. \`--preset NAME\` or \`--preset FILE\` changes
several at once: the file is JSON, such as \`{"dimZ": 20, "sigma": "exp"}\`, or the config.json of another run. Flags and
\`--set\` override the preset. A run's config.json holds all its settings.

[settings.schema.json](settings.schema.json) is a JSON Schema of that file. Editors complete and check a file that names
it: \`{"$schema": "./node_modules/vae/docs/settings.schema.json", "dimZ": 20}\`. It checks each value, not their
combinations.

\`--sweep name=value,value\` trains one run per value. Several sweeps train all combinations, and \`--repeat N\` trains
each with N seeds. Separate values that are lists by semicolons: \`--sweep 'nHidden=500,500;300'\`. The runs are in one
folder, each named after its values, with compare.svg. \`vae train --resume FOLDER\` finishes an interrupted group.

This page is written by \`npm run docs\` from the settings in src/.

| setting | flag of \`vae train\` | default | values | meaning |
|---|---|---|---|---|
${lines(rows(names))}

## Noise

\`--noise KIND\` or \`--noise KIND:STRENGTH\`, in \`vae train\` and \`vae reconstruct\`. x is a pixel from 0 to 1, s the
strength. The target stays clean.

| kind | usual strength | strengths | meaning |
|---|---|---|---|
${lines(noises)}

![Ten digits under each kind of noise](images/noises.png)

## Presets

${presets.join("\n")}
`;
}

/** A JSON Schema for the files of `--preset`, as text. Draft 7 is what most editors know. */
export function settingsSchema() {
  const properties = Object.entries(SETTINGS).map(([name, setting]) => {
    // The default of threads depends on the machine; the schema must not.
    const usual = name === "threads" ? {} : { default: setting.encode(setting.default) };
    return [name, { description: meaningOf(name, ""), ...usual, ...setting.schema }];
  });
  const settings = {
    type: "object",
    properties: { $schema: {}, ...Object.fromEntries(properties) },
    additionalProperties: false,
  };
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Settings of vae train --preset FILE",
    description: "Settings to start from, or the config.json of a run",
    type: "object",
    if: { properties: { settings: { type: "object" } }, required: ["settings"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { settings: { $ref: "#/definitions/settings" } } },
    else: { $ref: "#/definitions/settings" },
    definitions: { settings },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** What a setting means, and other settings that it needs, between `quotes`. */
function meaningOf(name, quotes) {
  const { help, details, needs = {} } = SETTINGS[name];
  const needed = Object.entries(needs).map(([other, values]) =>
    values.map((value) => `${quotes}${other}=${value}${quotes}`).join(" or "),
  );
  const parts = [help, ...(details ? [details] : []), ...(needed.length > 0 ? [`with ${needed.join(" and ")}`] : [])];
  return parts.join("; ");
}

/** Lines of at most 120 columns, for an item of a list. */
function wrap(text) {
  return text.replace(/(.{1,117})(?: |$)/g, "$1\n  ").trimEnd();
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
  writeFileSync(place("settings.schema.json"), settingsSchema());
  writeFileSync(place("images/noises.png"), await noisesPicture());
}
