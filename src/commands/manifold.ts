// vae manifold
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseNumber, parseSides } from "../config/entries.js";
import { UserError } from "../errors.js";
import type { ManifoldGrid } from "../index.js";
import { example, outOption, runOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_SIDE = 100;
const RANGE = 2;

interface ManifoldFlags {
  run?: string;
  size?: Pick<ManifoldGrid, "columns" | "rows">;
  spacing: ManifoldGrid["spacing"];
  range?: number;
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(
      new Option(
        "--size <columns>x<rows>",
        "columns and rows of the grid (default: 20x20, fewer for large images)",
      ).argParser(parseSize),
    )
    .addOption(
      new Option("--spacing <linear|quantile>", "even steps in z, or steps of equal probability under the prior")
        .choices(["linear", "quantile"])
        .default("linear"),
    )
    .addOption(
      new Option(
        "--range <number>",
        `linear spacing covers −range to range on both axes (default: ${RANGE})`,
      ).argParser(parseRange),
    )
    .addOption(outOption())
    .addHelpText("after", example("vae manifold --range 3", "vae manifold --spacing quantile --size 30x30"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, size: given, spacing, range, out }: ManifoldFlags): Promise<void> {
  if (spacing === "quantile" && range !== undefined) {
    throw new UserError("--range is for linear spacing: the prior determines the range of quantiles.");
  }
  const [{ checkOut, savePicture, withModel }, { usualSide }] = await Promise.all([
    import("./output.js"),
    import("../inference/views.js"),
  ]);
  checkOut(out);
  await withModel(io, folder, async (model) => {
    const side = usualSide(model.size);
    const size = given ?? { columns: side, rows: side };
    const picture = await model.pictures.manifold({ ...size, spacing, range: range ?? RANGE });
    const name = `manifold-${size.columns}x${size.rows}-${spacing === "linear" ? (range ?? RANGE) : spacing}.png`;
    await savePicture(io, model, picture, name, out);
  });
}

function parseSize(text: string): NonNullable<ManifoldFlags["size"]> {
  const [columns, rows] = parseSides(text, MAX_SIDE) ?? [];
  if (columns === undefined || rows === undefined) {
    throw new InvalidArgumentError(`It must be COLUMNSxROWS, such as 20x20, each from 1 to ${MAX_SIDE}.`);
  }
  return { columns, rows };
}

function parseRange(text: string): number {
  const range = parseNumber(text);
  if (!(range > 0 && range <= 100)) throw new InvalidArgumentError("It must be a number above 0 and at most 100.");
  return range;
}
