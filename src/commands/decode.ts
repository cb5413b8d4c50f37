// vae decode
import { UserError } from "../errors.js";
import { TEXT } from "../values/domains.js";
import { declare } from "./command.js";
import { classFlag, flag, formatFlag, MODEL, OPEN, pathFlag } from "./flags.js";

const FORMATS = ["npy", "png"] as const;

export const define = declare({
  flags: {
    ...MODEL,
    input: flag(
      "<file>",
      "latents: .npy of [N, Z]; .npz with the array z; CSV with the columns z0, z1, …, or without a header; JSON " +
        'lines such as {"z":[0.5,-1]}; or - for standard input',
      TEXT,
      { default: "-" },
    ),
    class: classFlag("the class of all (default: the class of each row in the file, or else its label)"),
    format: formatFlag(FORMATS),
    out: pathFlag(
      "<file>",
      "a .npy of [N, height, width] or, in colour, [N, height, width, 3], from 0 to 1; a .png of a " +
        "grid; or - (default: standard output)",
    ),
    ...OPEN,
  },
  examples: ["vae decode --input latents.npy --out images.npy", "vae encode --n 10 | vae decode --out ten.png"],
  async run(io, { run, device, input, class: name, format, out, open }, tools) {
    const {
      checkTiles,
      chooseTarget,
      drawImages,
      encodePng,
      npyParts,
      openPicture,
      readLatents,
      withModel,
      writeParts,
    } = tools;
    const target = chooseTarget(io, out, format, FORMATS);
    const isPicture = target.format === "png" && target.out !== "-";
    if (open && !isPicture) throw new UserError("--open needs a picture: --out FILE.png.");
    const { classes, ...z } = await readLatents(io, input);
    const [count] = z.shape;
    await withModel(io, { run, device }, async (model) => {
      const labels = model.classes && name === undefined ? classes?.() : undefined;
      const options = { class: name, labels };
      if (target.format === "npy") return writeParts(io, target, npyParts(count, model.decodeParts(z, options)));
      checkTiles(model.size, count, "Write them as .npy.");
      await writeParts(io, target, encodePng(drawImages(await model.decode(z, options))));
      if (open) await openPicture(io, target.out);
    });
  },
});
