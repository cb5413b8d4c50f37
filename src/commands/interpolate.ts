// vae interpolate
import { INTERPOLATION, MAX_INTERPOLATIONS } from "../config/pictures.js";
import { UserError } from "../errors.js";
import { declare } from "./command.js";
import { classFlag, type Flag, flag, pictureFlag, RUN } from "./flags.js";

const { image: IMAGE, steps: STEPS } = INTERPOLATION;

export const define = declare({
  flags: {
    ...RUN,
    from: imagesFlag("test images where the rows start: numbers from 0, separated by commas"),
    to: imagesFlag("test images where the rows end"),
    steps: flag("<count>", STEPS.help, STEPS, { default: STEPS.default }),
    class: classFlag("the class to decode (default: from the label of one image to that of the other)"),
    out: pictureFlag("png"),
  },
  examples: ["vae interpolate --from 0,1,2 --to 3,4,5 --steps 8"],
  async run(io, { run, from, to, steps, class: name, out }, { classInName, noteClean, savePicture, withModel }) {
    if (from.length !== to.length) {
      throw new UserError(`--from names ${from.length} images and --to ${to.length}. Each row needs both.`);
    }
    await withModel(io, run, async (model) => {
      noteClean(io, model);
      const pairs = from.map((image, row) => [image, to[row]] as const);
      const rows = pairs.length <= 5 ? pairs.flat().join("-") : `${pairs.length}-pairs-from-${from[0]}`;
      const picture = await model.pictures.interpolations(pairs, steps, { class: name });
      const ofClass = name === undefined ? "" : `${classInName(model, name)}-`;
      await savePicture(io, model, picture, `interpolation-${ofClass}${rows}-n${steps}.png`, out);
    });
  },
});

function imagesFlag(help: string): Flag<number[]> {
  const parse = (text: string) => {
    const images = text.split(",").map(IMAGE.parse);
    if (images.length > MAX_INTERPOLATIONS) throw new UserError(`At most ${MAX_INTERPOLATIONS} rows fit a picture.`);
    return images;
  };
  return { argument: "<images>", help, parse, isRequired: true };
}
