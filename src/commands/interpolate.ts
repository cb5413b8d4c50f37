// vae interpolate
import { type Command, Option } from "commander";
import { UserError } from "../errors.js";
import { example, outOption, runOption, wholeNumber, wholeNumberOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_ROWS = 100;
const MAX_STEPS = 100;

interface InterpolateFlags {
  run?: string;
  from: number[];
  to: number[];
  steps: number;
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(imagesOption("--from <images>", "test images where the rows start: numbers from 0, separated by commas"))
    .addOption(imagesOption("--to <images>", "test images where the rows end"))
    .addOption(wholeNumberOption("--steps <count>", "decoded images per row", 2, MAX_STEPS).default(10))
    .addOption(outOption())
    .addHelpText("after", example("vae interpolate --from 0,1,2 --to 3,4,5 --steps 8"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, from, to, steps, out }: InterpolateFlags): Promise<void> {
  if (from.length !== to.length) {
    throw new UserError(`--from names ${from.length} images and --to ${to.length}. Each row needs both.`);
  }
  const { checkOut, note, savePicture, withModel } = await import("./output.js");
  checkOut(out);
  await withModel(io, folder, async (model) => {
    if (model.config.noise !== null) note(io, "The images are clean, but this model was trained on noisy ones.");
    const pairs = from.map((image, row) => [image, to[row]] as const);
    const name =
      pairs.length <= 5 ? pairs.map((pair) => pair.join("-")).join("-") : `${pairs.length}-pairs-from-${from[0]}`;
    await savePicture(
      io,
      model,
      await model.pictures.interpolations(pairs, steps),
      `interpolation-${name}-n${steps}.png`,
      out,
    );
  });
}

function imagesOption(flags: string, help: string): Option {
  return new Option(flags, help).makeOptionMandatory().argParser((text) => {
    const numbers = text.split(",").map((number) => wholeNumber(number, 0, 1e9));
    if (numbers.length > MAX_ROWS) throw new UserError(`At most ${MAX_ROWS} rows fit a picture.`);
    return numbers;
  });
}
