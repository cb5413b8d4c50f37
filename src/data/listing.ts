// Lists the files in a folder, and arranges image files into splits and classes by their sub-folders.
import { type Dirent, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { UserError } from "../errors.js";
import { isFolder, statIfThere } from "../files/read.js";
import { listSome, plural, printable } from "../wording.js";
import { findSplits, isImagesFolder, type Split, splitOf } from "./names.js";

/** A file that cannot be used, and the reason. */
export interface BadFile {
  readonly file: string;
  readonly why: string;
}

/** Names are relative to the folder, sorted. */
export interface Listing {
  readonly files: readonly string[];
  /** Broken links, further links to listed folders, pipes, names that are not UTF-8, … */
  readonly irregular: readonly BadFile[];
  /** The number of files in folders of thumbnails. */
  readonly thumbnails: number;
}

/** Folders that systems and archivers fill with small copies or metadata. */
const THUMBNAIL_FOLDERS = ["@eaDir", "__MACOSX", ".thumbnails", ".@__thumb"];
const NOT_UTF8 = "its name is not UTF-8: rename it";
const NOT_REGULAR = "it is not a regular file, nor a link to one";
/** Files that systems leave in folders. */
const SYSTEM_FILES = ["Thumbs.db", "desktop.ini"];

/**
 * Lists a folder and its sub-folders. Skips hidden files and the folders of runs. Follows each link to a folder once.
 */
export function listFiles(folder: string): Listing {
  const files: string[] = [];
  const irregular: BadFile[] = [];
  const links: string[] = [];
  const visited = new Set<string>();
  let thumbnails = 0;

  const visit = (inside: string) => {
    const place = path.join(folder, inside);
    const real = realpathSync(place);
    if (visited.has(real)) {
      irregular.push({ file: inside, why: "it is a link to a folder that is read already" });
      return;
    }
    visited.add(real);
    const entries = readdirSync(place, { withFileTypes: true });
    if (isRun(place, entries)) return;
    for (const entry of entries) {
      const name = path.join(inside, entry.name);
      const found = statIfThere(path.join(folder, name));
      if (THUMBNAIL_FOLDERS.includes(entry.name)) thumbnails += countFiles(path.join(folder, name));
      else if (entry.name.startsWith(".") || SYSTEM_FILES.includes(entry.name)) continue;
      else if (found?.isFile()) files.push(name);
      else if (found?.isDirectory() && entry.isSymbolicLink()) links.push(name);
      else if (found?.isDirectory()) visit(name);
      else irregular.push({ file: name, why: entry.name.includes("\ufffd") ? NOT_UTF8 : NOT_REGULAR });
    }
  };
  visit("");
  // Links come after all real folders, so that the result does not depend on their order. Visiting one may add others.
  for (const link of links) visit(link);
  return { files: files.sort(), irregular: irregular.sort((a, b) => (a.file < b.file ? -1 : 1)), thumbnails };
}

/** Whether a folder is a run: its checkpoints are named by their steps. */
function isRun(folder: string, entries: readonly Dirent[]): boolean {
  const has = (name: string) => entries.some((entry) => entry.name === name);
  const checkpoints = path.join(folder, "checkpoint");
  if (!has("checkpoint") || !has("config.json") || !isFolder(checkpoints)) return false;
  return readdirSync(checkpoints).every((name) => name.startsWith("step-") || name.startsWith("."));
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

/** Extensions of images that sharp does not decode. */
const OTHER_IMAGES =
  /^\.(heic|heif|bmp|ico|pgm|ppm|pbm|pnm|pfm|tga|jxl|jp2|j2k|psd|xcf|exr|hdr|dng|cr2|cr3|nef|arw|raf|orf|rw2|dcm)$/;
/** The most folders, or kinds of files, that a note names. */
const MAX_NAMED = 8;
/** Extensions of arrays for which `recognize` has a conversion. */
const OTHER_ARRAYS = /^\.(mat|h5|hdf5|pt|pth|pkl|pickle|arrow|feather|tfrecord|mdb|db|sqlite)$/;
const ARCHIVES = /^\.(zip|tar|tgz|7z|rar|gz|xz|bz2)$/;

/** Counts files by extension: "40 .HEIC (magick mogrify -format png *.HEIC), 2 .txt". */
export function countByEnding(files: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const file of files) {
    const ending = path.extname(file);
    counts.set(ending, (counts.get(ending) ?? 0) + 1);
  }
  const described = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([ending, count]) => `${count} ${ending || "without an ending"}${remedyOf(ending)}`);
  return listSome(described, MAX_NAMED);
}

function remedyOf(ending: string): string {
  const kind = ending.toLowerCase();
  if (OTHER_IMAGES.test(kind)) return ` (magick mogrify -format png *${ending})`;
  if (OTHER_ARRAYS.test(kind)) return " (vae data FILE says how to convert one)";
  return ARCHIVES.test(kind) ? " (unpack first)" : "";
}

export interface Arranged {
  readonly name: string;
  readonly split: Split;
  /** The class, in Unicode NFC. Undefined if any image of the split lies outside of class folders. */
  readonly class?: string | undefined;
}

export interface Arrangement {
  readonly images: readonly Arranged[];
  /** Which images are not used or have no class: one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Finds the splits and classes of images by the names of their folders: cats/1.png, train/cats/1.png,
 * photos/train/1.png, cats/train/1.png.
 *
 * @throws UserError if it is unclear which folders are splits, or there are no training images
 */
export function arrange(names: readonly string[], folder: string): Arrangement {
  const images = unwrap(names.map((name) => ({ name, parts: name.split(path.sep) })));
  const groups = groupByFolder(images);
  const splits = findSplits(groups.keys());
  if (splits.has("train")) return arrangeSplits(images, splits, folder);
  if (splits.size === groups.size && splits.size > 0 && countLoose(images) === 0) {
    throw new UserError(
      `${folder} has folders of splits (${listSome([...groups.keys()], MAX_NAMED)}), but no training images.`,
    );
  }
  const all = [...groups].map(([name, inside]) => [name, findSplits(groupByFolder(inside).keys())] as const);
  const inner = new Map(all.filter(([, splits]) => splits.has("train")));
  // One folder with splits wraps them. Several are classes: cats/train, dogs/train.
  if (inner.size === 1) {
    const [[name, splits]] = inner;
    return arrangeSplits(images.map(liftFrom(name)), splits, folder);
  }
  if (inner.size > 1) {
    const swapped = images.map(swapClassAndSplit(new Map(all)));
    return arrangeSplits(swapped, findSplits(groupByFolder(swapped).keys()), folder);
  }
  const { classes, notes } = classify(images, folder);
  const arranged = images.map(({ name }, i) => ({ name, split: "train" as const, class: classes?.[i] }));
  return { images: arranged, notes };
}

/** An image and its path below the folder where splits or classes begin. */
interface Located {
  readonly name: string;
  readonly parts: readonly string[];
}

type Groups = ReadonlyMap<string, readonly Located[]>;

/** Groups images by their first folder, and removes it from their paths. */
function groupByFolder(images: readonly Located[]): Groups {
  const groups = new Map<string, Located[]>();
  for (const { name, parts } of images) {
    const [first, ...rest] = parts;
    if (rest.length === 0) continue;
    const group = groups.get(first) ?? [];
    group.push({ name, parts: rest });
    groups.set(first, group);
  }
  return groups;
}

function countLoose(images: readonly Located[]): number {
  return images.filter(({ parts }) => parts.length === 1).length;
}

/** Removes a wrapping folder: the only one at its level, if it holds folders, or is named like a split or `images`. */
function unwrap(images: readonly Located[]): readonly Located[] {
  const groups = groupByFolder(images);
  if (groups.size !== 1 || countLoose(images) > 0) return images;
  const [[name, inside]] = groups;
  return groupByFolder(inside).size > 0 || splitOf(name) || isImagesFolder(name) ? unwrap(inside) : images;
}

/** Moves the images in `folder` one level up. */
function liftFrom(folder: string) {
  return ({ name, parts }: Located): Located => ({ name, parts: parts[0] === folder ? parts.slice(1) : parts });
}

/** Moves the images in cats/train to train/cats. @param splits of each class */
function swapClassAndSplit(splits: ReadonlyMap<string, ReadonlyMap<Split, string[]>>) {
  return ({ name, parts }: Located): Located => {
    const [cls, folder, ...rest] = parts;
    const found = [...(splits.get(cls) ?? [])].find(([, folders]) => folders.includes(folder));
    return found && rest.length > 0 ? { name, parts: [found[0], cls, ...rest] } : { name, parts };
  };
}

function arrangeSplits(images: readonly Located[], splits: ReadonlyMap<Split, string[]>, folder: string): Arrangement {
  const groups = groupByFolder(images);
  const used = [...splits].map(([split, [name]]) => ({ split, name, inside: groups.get(name) ?? [] }));
  const names = used.map(({ name }) => name);
  const unused = images.filter(({ parts }) => parts.length === 1 || !names.includes(parts[0]));
  if (used.length === 1 && unused.length > images.length / 2) {
    const others = [...groups.keys()].filter((name) => name !== names[0]);
    throw new UserError(
      `${folder} has a folder ${printable(names[0])} next to ${listSome(others, MAX_NAMED)}, ` +
        "which hold more images. Rename it if it is a class; move the others away if it is the training set.",
    );
  }
  const arranged: Arranged[] = [];
  const notes: string[] = [];
  for (const { split, name, inside } of used) {
    const located = unwrap(inside);
    const { classes, notes: more } = classify(located, name);
    located.forEach((image, i) => {
      arranged.push({ name: image.name, split, class: classes?.[i] });
    });
    notes.push(...more);
  }
  if (unused.length > 0) notes.push(describeUnused(unused, names));
  return { images: arranged.sort((a, b) => (a.name < b.name ? -1 : 1)), notes };
}

function describeUnused(unused: readonly Located[], splits: readonly string[]): string {
  const counts = [...groupByFolder(unused)].map(([name, { length }]) => `${length} in ${name}${path.sep}`);
  const loose = countLoose(unused);
  if (loose > 0) counts.push(`${loose} in no folder`);
  const outside = splits.map((name) => printable(name) + path.sep).join(", ");
  return `${plural(unused.length, "image")} not used, outside of ${outside}: ${listSome(counts, MAX_NAMED)}.`;
}

/** @returns the class of each image, in Unicode NFC, if all images lie in folders; otherwise a note */
function classify(images: readonly Located[], folder: string): { classes?: readonly string[]; notes: string[] } {
  const loose = images.filter(({ parts }) => parts.length === 1);
  if (loose.length === 0) return { classes: images.map(({ parts }) => parts[0].normalize("NFC")), notes: [] };
  if (loose.length === images.length) return { notes: [] };
  return {
    notes: [
      `${printable(folder)} has no classes: ${loose.length} of its ${images.length} images lie outside of class ` +
        `folders, such as ${printable(loose[0].name)}.`,
    ],
  };
}
