// Settings of the data set.
import { integer, oneOf, optional, SIZE, TEXT, text, texts, toggle } from "../config/entries.js";

// biome-ignore format: two lines per setting
export const DATA_SETTINGS = {
  dataset: text({ default: "mnist", flag: "mnist|path",
    help: "mnist, a folder of IDX files under MNIST's names or of images, or one IDX or .npy file: see docs/data.md" }),
  inputDir: optional("none", TEXT, { flag: "folder",
    help: "corrupted images for the encoder, named like the clean ones in dataset" }),
  size: optional("own", SIZE, { flag: "width[xheight]",
    help: "resize image files to this width and height in pixels" }),
  channels: optional("own", oneOf([1, 3]), { flag: "1|3",
    help: "grey or colour for image files; own = colour if any file has colour" }),
  limit: integer({ default: 0, min: 0, max: 4_294_967_295, flag: "count",
    help: "use at most this many images, and at most this many of a separate test set; 0 = all" }),
  classes: texts({ default: ["all"], alone: "all", flag: "name,...",
    help: "use only images of these classes: labels, or names of sub-folders" }),
  skipBad: toggle({ flag: "", help: "leave out image files that cannot be used, and report how many" }),
};
