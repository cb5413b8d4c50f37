// vae interpolate
import { INTERPOLATION, MAX_INTERPOLATIONS } from "../config/pictures.js";
import { UserError } from "../errors.js";
import { declare } from "./command.js";
import { classFlag, type Flag, flag, MODEL, OPEN, pictureFlag } from "./flags.js";

const { image: IMAGE, steps: STEPS } = INTERPOLATION;

export const define = declare({
  flags: {
    ...MODEL,
    from: imagesFlag(
      "test images where the rows start: numbers from 0, separated by commas (default: the first of the first class)",
    ),
    to: imagesFlag("test images where the rows end (default: the first of the second class)"),
    steps: flag("<count>", STEPS.help, STEPS, { default: STEPS.default }),
    class: classFlag("the class to decode (default: from one image's label to the other's)"),
    out: pictureFlag("png"),
    ...OPEN,
  },
  examples: ["vae interpolate", "vae interpolate --from 0,1,2 --to 3,4,5 --steps 8"],
  async run(io, { run, device, from: givenFrom, to: givenTo, steps, class: name, out, open }, tools) {
    const { classInName, noteClean, plural, savePicture, defaultPair, withModel } = tools;
    if ((givenFrom ?? []).length !== (givenTo ?? []).length) {
      const [starts, ends] = [givenFrom, givenTo].map((images) => images?.length ?? 0);
      throw new UserError(`--from names ${plural(starts, "image")} and --to ${ends}. Each row needs both.`);
    }
    await withModel(io, { run, device }, async (model) => {
      noteClean(io, model);
      const pairs =
        givenFrom && givenTo
          ? givenFrom.map((image, row) => [image, givenTo[row]] as const)
          : [defaultPair((await model.loadData()).test)];
      const rows = pairs.length <= 5 ? pairs.flat().join("-") : `${pairs.length}-pairs-from-${pairs[0][0]}`;
      const picture = await model.pictures.interpolations(pairs, steps, { class: name });
      const ofClass = name === undefined ? "" : `${classInName(model, name)}-`;
      await savePicture(io, model, picture, `interpolation-${ofClass}${rows}-n${steps}.png`, { out, open });
    });
  },
});

function imagesFlag(help: string): Flag<number[] | undefined> {
  const parse = (text: string) => {
    const images = text.split(",").map(IMAGE.parse);
    if (images.length > MAX_INTERPOLATIONS) throw new UserError(`At most ${MAX_INTERPOLATIONS} rows fit a picture.`);
    return images;
  };
  return { argument: "<images>", help, parse };
}
