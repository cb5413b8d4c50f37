// Settings of the data set.
import { integer, optional, text, texts, toggle } from "../config/entries.js";
import { oneOf, TEXT } from "../values/domains.js";
import { SIZE } from "../values/size.js";

/** The axes of an image from the slowest to the fastest. */
export const LAYOUTS = ["hwc", "chw", "whc", "cwh"] as const;

/** Chooses all classes. A class of this name needs quotes. */
export const ALL = "all";

/** The parts of a data set. */
export const SPLITS = ["test", "validation", "train"] as const;

// biome-ignore format: two lines per setting
export const DATA_SETTINGS = {
  dataset: text({ default: "mnist", flag: "mnist|path",
    help: "mnist, a folder of images, or a file or folder of arrays", details: "see docs/data.md" }),
  inputDir: optional("none", TEXT, { flag: "folder",
    help: "folder of corrupted images for the encoder, named as the clean ones in dataset" }),
  size: optional("own", SIZE, { flag: "width[xheight]",
    help: "resize image files to this width and height in pixels", details: "the size of images in rows of an array" }),
  channels: optional("own", oneOf([1, 3]), { flag: "1|3",
    help: "grey or colour, for image files", details: "own = colour if any file has colour" }),
  background: optional("own", oneOf(["black", "white"]), { flag: "black|white",
    help: "colour behind transparent image files", details: "own = black, or white if black hides the drawings" }),
  layout: optional("own", oneOf(LAYOUTS), { flag: LAYOUTS.join("|"),
    help: "order of the axes of an image in arrays",
    details: "hwc = rows, chw = planes, whc = columns; own = by shape and name" }),
  limit: integer({ default: 0, min: 0, max: 4_294_967_295, flag: "count",
    help: "use at most this many images; 0 = all",
    details: "also applies to a separate validation or test set" }),
  classes: texts({ default: [ALL], alone: ALL, maxLength: 65_536, flag: "name,...",
    help: "use only images of these classes: labels, or names of sub-folders",
    details: '"a,b" or "all" in quotes is a name' }),
  skipBad: toggle({ flag: "", help: "leave out image files that cannot be used, and report how many" }),
};
