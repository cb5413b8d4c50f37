// Opens a folder of image files: splits and classes by its folders, pairs by names.
import path from "node:path";
import { UserError } from "../errors.js";
import { plural } from "../wording.js";
import type { DataOptions } from "./dataset.js";
import { type DecodedCollection, decodeCollection, type EncodedImage } from "./decode.js";
import { IMAGE_ENDINGS, isImageName, readImageFile } from "./image-files.js";
import { type Arranged, arrange, type BadFile, countByEnding, type Listing, listFiles } from "./listing.js";
import { SPLITS } from "./names.js";
import { type Images, select } from "./pixels.js";
import type { Source } from "./sources.js";

/** Labels are 16-bit numbers. */
const MAX_CLASSES = 65_536;
/** Bad images that an error names. */
const MAX_NAMED = 3;

/**
 * Opens a folder of images. Those of `inputDir` become the `inputs`.
 *
 * @throws UserError if there are none, they differ in size and no size is given, or some are bad
 */
export async function openImageFolder(folder: string, listing: Listing, options: DataOptions): Promise<Source> {
  const { inputDir, skipBad } = options;
  const names = listing.files.filter(isImageName);
  const others = listing.files.filter((name) => !isImageName(name));
  if (names.length === 0) throw new UserError(describeEmpty(folder, listing));
  const { images: arranged, hasSplits, notes } = arrange(names, folder);
  const partners = inputDir
    ? findPartners(
        arranged.map(({ name }) => name),
        inputDir,
      )
    : undefined;
  const encode = (name: string, file: string, split: string): EncodedImage => {
    return { name, split, read: () => readImageFile(file) };
  };
  const encoded = arranged.map(({ name, split }, i): EncodedImage => {
    const partner = partners?.[i];
    return {
      ...encode(name, path.join(folder, name), split),
      ...(partners && { partner: partner === undefined ? null : encode(partner, partner, split) }),
    };
  });
  const decoded = await decodeCollection(
    {
      name: folder,
      count: encoded.length,
      hasPartners: partners !== undefined,
      key: [folder, ...(inputDir ? [inputDir] : [])].map((place) => path.resolve(place)),
      files: [
        ...arranged.map(({ name }) => path.join(folder, name)),
        ...(partners ?? []).filter((file) => file !== undefined),
      ],
      images: () => encoded,
    },
    options,
  );
  const bad = [...decoded.bad, ...listing.irregular];
  if (decoded.positions.length === 0 || (bad.length > 0 && !skipBad)) {
    throw new UserError(describeBad(folder, bad, names.length + listing.irregular.length));
  }
  const good = Array.from(decoded.positions, (position) => arranged[position]);
  const { classes, splits } = selectSplits(decoded, good);
  const [train, validation, test] = splits;
  if (!train) throw new UserError(`None of the images to train on in ${folder} can be used.`);
  return {
    train,
    ...(hasSplits && { validation, test }),
    isStored: false,
    classes: classes.length > 0 ? classes : undefined,
    background: decoded.background,
    bad,
    notes: [...notes, ...describeIgnored(others, listing.thumbnails), ...decoded.notes],
  };
}

/** @returns the names of the classes, and the images of training, validation and test, if there are any */
function selectSplits(
  { shape, pixels, inputs }: DecodedCollection,
  good: readonly Arranged[],
): { classes: readonly string[]; splits: readonly (Images | undefined)[] } {
  const names = [...new Set(good.flatMap((image) => image.class ?? []))].sort();
  const classes = names.length <= MAX_CLASSES ? names : [];
  const numbers = new Map(classes.map((name, i) => [name, i]));
  const splits = SPLITS.map((split): Images | undefined => {
    const own = Uint32Array.from(good.keys()).filter((i) => good[i].split === split);
    if (own.length === 0) return undefined;
    const labels = Array.from(own, (i) => numbers.get(good[i].class ?? ""));
    return {
      shape,
      count: own.length,
      pixels: select(pixels, own),
      inputs: inputs && select(inputs, own),
      labels: labels.every((label) => label !== undefined) ? Uint16Array.from(labels) : undefined,
      origin: (i) => ({ file: good[own[i]].name }),
    };
  });
  return { classes, splits };
}

export function describeIgnored(others: readonly string[], thumbnails: number): string[] {
  return [
    ...(others.length > 0 ? [`${plural(others.length, "file")} ignored: ${countByEnding(others)}.`] : []),
    ...(thumbnails > 0 ? [`${plural(thumbnails, "file")} in folders of thumbnails ignored.`] : []),
  ];
}

function describeEmpty(folder: string, { files, irregular, thumbnails }: Listing): string {
  const found = [
    ...(files.length > 0 ? [countByEnding(files)] : []),
    ...(irregular.length > 0 ? [`${irregular[0].file} (${irregular[0].why})`] : []),
    ...(thumbnails > 0 ? [`${thumbnails} in folders of thumbnails`] : []),
  ];
  const what = found.length > 0 ? `only ${found.join(", ")}` : "it and its sub-folders are empty";
  return (
    `${folder} holds no images: ${what}. Images are files that end in ${IMAGE_ENDINGS.join(", ")}; ` +
    "arrays in .npy, .npz, .csv, .amat, .parquet, or IDX files under MNIST's names."
  );
}

export function describeBad(folder: string, bad: readonly BadFile[], count: number): string {
  const named = bad.slice(0, MAX_NAMED).map(({ file, why }) => `${file} (${why})`);
  const more = bad.length > MAX_NAMED ? ` and ${bad.length - MAX_NAMED} more` : "";
  return (
    `${bad.length} of the ${count} images in ${folder} cannot be used: ` +
    `${named.join(", ")}${more}. vae data lists all; \`skipBad\` leaves them out.`
  );
}

/**
 * Finds the file in `folder` for each name: the same in Unicode NFC, else the one that differs only in its ending.
 *
 * @throws UserError if several do
 */
function findPartners(names: readonly string[], folder: string): (string | undefined)[] {
  const images = listFiles(folder).files.filter(isImageName);
  const stem = (name: string) => name.slice(0, name.length - path.extname(name).length).normalize("NFC");
  const group = (keyOf: (name: string) => string) => {
    const groups = new Map<string, string[]>();
    for (const image of images) groups.set(keyOf(image), [...(groups.get(keyOf(image)) ?? []), image]);
    return groups;
  };
  const byName = group((name) => name.normalize("NFC"));
  const byStem = group(stem);
  return names.map((name) => {
    const alike = byName.get(name.normalize("NFC")) ?? byStem.get(stem(name)) ?? [];
    if (alike.length > 1) {
      throw new UserError(`${folder} holds ${alike.join(" and ")}: it is unclear which one belongs to ${name}.`);
    }
    return alike[0] && path.join(folder, alike[0]);
  });
}
