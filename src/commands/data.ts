// vae data
import path from "node:path";
import { type Command, Option } from "commander";
import type { GivenSettings } from "../config/config.js";
import { UserError } from "../errors.js";
import type { datasets } from "../index.js";
import { example, outOption, settingOption } from "./flags.js";
import type { Io } from "./io.js";

/** Entries printed of a list. */
const MAX_LISTED = 20;

type DataFlags = Pick<GivenSettings, "inputDir" | "size" | "channels" | "limit" | "classes"> & {
  out?: string;
  json?: true;
};

export function define(command: Command, io: Io): void {
  command.argument("<path>", "mnist, a folder of IDX files or of images, or one IDX or .npy file");
  for (const name of ["size", "channels", "inputDir", "limit", "classes"] as const)
    command.addOption(settingOption(name));
  command
    .addOption(outOption("png", "a contact sheet of the first hundred training images", "<name>-sheet.png"))
    .addOption(new Option("--json", "print the report as one JSON value, without a contact sheet"))
    .addHelpText("after", example("vae data mnist", "vae data photos --size 32"))
    .action((place, flags) => run(io, place, flags));
}

async function run(io: Io, place: string, { out, json, ...options }: DataFlags): Promise<void> {
  const [{ datasets, encodePng }, { checkOut, decodingBar, note, print }, { writeFileAtomically }] = await Promise.all([
    import("../index.js"),
    import("./output.js"),
    import("../files/write.js"),
  ]);
  checkOut(out);
  const decoding = decodingBar(io);
  const { sheet, ...report } = await datasets
    .inspect(place, { ...options, onProgress: decoding.onProgress })
    .finally(decoding.stop);
  if (json) {
    print(io, JSON.stringify(report));
    return;
  }
  const file = out ?? `${report.name}-sheet.png`;
  if (!path.relative(place, file).startsWith("..") && place !== "mnist") {
    throw new UserError(`${file} would lie among the images. Give another file for the contact sheet: --out FILE`);
  }
  print(io, describe(report, datasets.describeShape(report)));
  if (report.bad.length > 0) note(io, "vae train refuses these files, and leaves them out with --skip-bad.");
  await writeFileAtomically(file, encodePng(sheet));
  print(io, file);
}

function describe(report: Omit<datasets.DataReport, "sheet">, shape: string): string {
  const { train, validation, test, classes, bad, others, sha256 } = report;
  const count = (number: number) => number.toLocaleString("en");
  const lines = [
    `${count(train + validation + test)} images of ${shape}: ${count(train)} to train, ${count(validation)} to validate, ${count(test)} to test`,
    classes
      ? `classes: ${listed(Object.entries(classes).map(([name, images]) => `${name} (${count(images)})`)).join(", ")}`
      : "no classes",
    `SHA-256 ${sha256}`,
  ];
  if (bad.length > 0) {
    lines.push(`${count(bad.length)} cannot be used:`, ...listed(bad.map(({ file, why }) => `  ${file}: ${why}`)));
  }
  if (others.length > 0) lines.push(`no images, by their names: ${listed(others).join(", ")}`);
  return lines.join("\n");
}

function listed(items: readonly string[]): string[] {
  const more = items.length - MAX_LISTED;
  return more > 0 ? [...items.slice(0, MAX_LISTED), `… ${more} more (--json lists all)`] : [...items];
}
