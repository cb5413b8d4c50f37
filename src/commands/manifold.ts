// vae manifold
import { MANIFOLD, MAX_MANIFOLD_SIDE } from "../config/pictures.js";
import { UserError } from "../errors.js";
import { parseSides } from "../values/size.js";
import { declare } from "./command.js";
import { choiceFlag, classFlag, flag, MODEL, OPEN, pictureFlag } from "./flags.js";

const { spacing: SPACING, range: RANGE } = MANIFOLD;

export const define = declare({
  flags: {
    ...MODEL,
    size: flag("<columns>x<rows>", "size of the grid (default: 20x20, less for large images)", { parse: parseSize }),
    spacing: choiceFlag(SPACING.choices, SPACING.help, SPACING.default),
    range: flag("<number>", `${RANGE.help} (default: ${RANGE.default})`, RANGE),
    class: classFlag("the class to decode (required)"),
    out: pictureFlag("png"),
    ...OPEN,
  },
  examples: ["vae manifold --range 3", "vae manifold --spacing quantile --size 30x30"],
  async run(
    io,
    { run, device, size, spacing, range: given, class: name, out, open },
    { classInName, savePicture, defaultSide, withModel },
  ) {
    if (spacing === "quantile" && given !== undefined) {
      throw new UserError("--range is for linear spacing: the prior determines the range of quantiles.");
    }
    const range = given ?? RANGE.default;
    await withModel(io, { run, device }, async (model) => {
      const side = defaultSide(model.size);
      const { columns, rows } = size ?? { columns: side, rows: side };
      const picture = await model.pictures.manifold({ columns, rows, spacing, range, class: name });
      const ofClass = name === undefined ? "" : `${classInName(model, name)}-`;
      const file = `manifold-${ofClass}${columns}x${rows}-${spacing === "linear" ? range : spacing}.png`;
      await savePicture(io, model, picture, file, { out, open });
    });
  },
});

function parseSize(text: string): { columns: number; rows: number } {
  const [columns, rows] = parseSides(text, MAX_MANIFOLD_SIDE) ?? [];
  if (columns && rows) return { columns, rows };
  throw new UserError(`It must be COLUMNSxROWS, such as 20x20, each from 1 to ${MAX_MANIFOLD_SIDE}.`);
}
