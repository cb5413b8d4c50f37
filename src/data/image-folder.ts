// Opens a folder of image files: splits and classes by its folders, pairs by names.
import path from "node:path";
import { UserError } from "../errors.js";
import { isFolder, readBytes } from "../files/read.js";
import { plural, printable } from "../wording.js";
import { BadImage } from "./bad-image.js";
import type { DataOptions } from "./dataset.js";
import { decodeCollection } from "./decode.js";
import { divideDecoded } from "./decoded-source.js";
import { IMAGE_ENDINGS, isImageName } from "./image-files.js";
import { type Arranged, arrange, countByEnding, type Listing, listFiles } from "./listing.js";
import type { Source } from "./sources.js";

/** Labels are 16-bit numbers. */
const MAX_CLASSES = 65_536;

/**
 * Opens a folder of images. The images of `inputDir` become the encoder's inputs.
 *
 * @throws UserError if there are no images, they differ in size and no size is given, or some are bad
 */
export async function openImageFolder(folder: string, listing: Listing, options: DataOptions): Promise<Source> {
  const { inputDir, skipBad } = options;
  const { irregular } = listing;
  const names = listing.files.filter(isImageName);
  const others = listing.files.filter((name) => !isImageName(name));
  if (names.length === 0) throw new UserError(describeEmpty(folder, listing));
  const { images, notes } = arrange(names, folder);
  const encoded = encodeImages(folder, images, inputDir);
  const decoded = await decodeCollection(
    {
      name: folder,
      count: encoded.length,
      hasPartners: Boolean(inputDir),
      key: [folder, ...(inputDir ? [inputDir] : [])].map((place) => path.resolve(place)),
      files: encoded.flatMap(({ file, partner }) => (partner ? [file, partner.file] : [file])),
      images: () => encoded,
    },
    options,
  );
  const classes = classesOf(images);
  const numbers = new Map(classes?.map((name, i) => [name, i]));
  const entries = images.map(({ name, split, class: own = "" }) => ({
    split,
    label: numbers.get(own),
    origin: { file: name },
  }));
  return {
    kind: "files",
    ...divideDecoded(folder, decoded, entries, { irregular, skipBad }),
    isStored: false,
    classes,
    notes: [
      ...notes,
      ...(inputDir ? [`The encoder's inputs are the images of the same names in ${inputDir}.`] : []),
      ...describeIgnored(others, listing.thumbnails),
      ...decoded.notes,
    ],
  };
}

/** Adds to each image its file and, if `inputDir` is given, its partner. */
function encodeImages(folder: string, images: readonly Arranged[], inputDir: string | null | undefined) {
  const encode = (name: string, file: string, split: string) => {
    return { name, split, file, read: () => readImage(file) };
  };
  const partners = inputDir ? findPartners(images, inputDir) : undefined;
  return images.map(({ name, split }, i) => {
    const image = encode(name, path.join(folder, name), split);
    const partner = partners?.[i];
    return partners
      ? { ...image, partner: partner === undefined ? null : encode(partner, partner, split) }
      : { ...image, partner: undefined };
  });
}

/** @throws BadImage if the file is larger than can be read */
async function readImage(file: string): Promise<Uint8Array> {
  try {
    return await readBytes(file);
  } catch (error) {
    throw error instanceof UserError ? new BadImage("it has more than 2 GiB") : error;
  }
}

/** The names of the classes, sorted. Undefined if there are none, or too many for labels. */
function classesOf(images: readonly Arranged[]): readonly string[] | undefined {
  const names = [...new Set(images.flatMap((image) => image.class ?? []))].sort();
  return names.length > 0 && names.length <= MAX_CLASSES ? names : undefined;
}

export function describeIgnored(others: readonly string[], thumbnails: number): string[] {
  return [
    ...(others.length > 0 ? [`${plural(others.length, "file")} ignored: ${countByEnding(others)}.`] : []),
    ...(thumbnails > 0 ? [`${plural(thumbnails, "file")} in folders of thumbnails and metadata ignored.`] : []),
  ];
}

function describeEmpty(folder: string, { files, irregular, thumbnails }: Listing): string {
  const found = [
    ...(files.length > 0 ? [countByEnding(files)] : []),
    ...(irregular.length > 0 ? [`${printable(irregular[0].file)} (${irregular[0].why})`] : []),
    ...(thumbnails > 0 ? [`${thumbnails} in folders of thumbnails`] : []),
  ];
  const what = found.length > 0 ? `only ${found.join(", ")}` : "it and its sub-folders are empty";
  return (
    `${folder} holds no images: ${what}. Image files end in ${IMAGE_ENDINGS.join(", ")}; ` +
    "arrays in .npy, .npz, .csv, .amat or .parquet; IDX files are named like MNIST's."
  );
}

/**
 * Finds the partner of each image in `folder`: the file of the same name in Unicode NFC, else the one with another
 * extension.
 *
 * @throws UserError if an image has several partners, or no image has one
 */
function findPartners(wanted: readonly Arranged[], folder: string): (string | undefined)[] {
  if (!isFolder(folder)) throw new UserError(`${folder} is not a folder. Give a folder of images.`);
  const images = listFiles(folder).files.filter(isImageName);
  const stem = (name: string) => name.slice(0, name.length - path.extname(name).length).normalize("NFC");
  const group = (keyOf: (name: string) => string) => {
    const groups = new Map<string, string[]>();
    for (const image of images) groups.set(keyOf(image), [...(groups.get(keyOf(image)) ?? []), image]);
    return groups;
  };
  const byName = group((name) => name.normalize("NFC"));
  const byStem = group(stem);
  const partners = wanted.map(({ name }) => {
    const alike = byName.get(name.normalize("NFC")) ?? byStem.get(stem(name)) ?? [];
    if (alike.length > 1) {
      throw new UserError(
        `${folder} holds ${alike.map(printable).join(" and ")}, and both may be the partner of ${printable(name)}. ` +
          "Keep only one.",
      );
    }
    return alike[0] && path.join(folder, alike[0]);
  });
  if (partners.some((partner) => partner !== undefined)) return partners;
  const found = images.length > 0 ? `${printable(images[0])}, …` : "no images";
  throw new UserError(
    `No image has a partner in ${folder}, which holds ${found}, but not ` +
      `${printable(wanted[0].name)}. Partners have the same name; only the extension may differ.`,
  );
}
