// Chooses the files of one data set in a folder by their names.
import path from "node:path";
import { UserError } from "../errors.js";
import { listSome } from "../wording.js";
import { type NameParts, parseName, SPLITS, type Split } from "./names.js";

/** A file, relative to its folder, with its parsed name. */
export interface NamedFile extends NameParts {
  readonly file: string;
}

/** The most files that an error or a note names. */
const MAX_NAMED = 8;

/**
 * Chooses the images and labels of each split. Files are of one data set if their names differ only in words for splits
 * and roles.
 *
 * @throws UserError if there are several data sets, or no training images
 */
export function chooseFiles(
  names: readonly string[],
  folder: string,
): { chosen: (NamedFile & { readonly split: Split })[]; notes: string[] } {
  const files = names.map((file) => ({ file, ...parseName(file) }));
  const images = mainGroup(
    files.filter(({ role }) => role !== "labels"),
    folder,
  );
  const assigned = assignSplits(images);
  const chosen: (NamedFile & { readonly split: Split })[] = [];
  for (const split of SPLITS) {
    const own = assigned.filter((file) => file.split === split).sort(compare);
    const image = own.find(({ role }) => role === "images") ?? own[0];
    if (!image) continue;
    chosen.push({ ...image, split });
    const labels = files.map((file) => (file.role === "labels" ? { ...file, split: file.split ?? "train" } : file));
    const label = findLabels({ ...image, split }, labels);
    if (label) chosen.push({ ...label, split });
  }
  if (!chosen.some(({ split }) => split === "train")) {
    throw new UserError(`${folder} holds no file named for training images, such as x_train.npy: ${listed(images)}.`);
  }
  const unused = files.filter(({ file }) => !chosen.some((one) => one.file === file));
  return { chosen, notes: unused.length > 0 ? [`Not used: ${listed(unused)}.`] : [] };
}

/** Assigns files without a split to training, unless another file is for training: then leaves them out. */
export function assignSplits<File extends NamedFile>(files: readonly File[]): (File & { readonly split: Split })[] {
  const rest = files.some(({ split }) => split === "train") ? undefined : ("train" as const);
  return files.flatMap((file) => {
    const split = file.split ?? rest;
    return split ? [{ ...file, split }] : [];
  });
}

/** Finds the labels for images: of the same split, and named after the same data set or none. */
export function findLabels(image: NamedFile, files: readonly NamedFile[]): NamedFile | undefined {
  const labels = files.filter(({ role, split }) => role === "labels" && split === image.split).sort(compare);
  const fitting = labels.filter(({ rest }) => rest === "" || image.rest === "");
  return labels.find(({ rest }) => rest === image.rest) ?? (fitting.length === 1 ? fitting[0] : undefined);
}

/** The files of the only data set, or of the only one with training images. */
export function mainGroup(files: readonly NamedFile[], folder: string): readonly NamedFile[] {
  const groups = [...new Set(files.map(({ rest }) => rest))].map((rest) => files.filter((file) => file.rest === rest));
  const trained = groups.filter((group) => group.some(({ split }) => split === "train"));
  const candidates = trained.length > 0 ? trained : groups;
  if (candidates.length === 1) return candidates[0];
  if (candidates.length === 0) throw new UserError(`${folder} holds labels, but no images.`);
  const paths = candidates.map((group) => pathOf(group, candidates));
  throw new UserError(`${folder} holds several data sets: ${listSome(paths, MAX_NAMED)}. Give the path of one.`);
}

/** The path that selects a data set: its folder or, if that holds other data sets too, its file of training images. */
function pathOf(group: readonly NamedFile[], all: readonly (readonly NamedFile[])[]): string {
  const folderOf = ({ file }: NamedFile) => path.dirname(file);
  const folder = folderOf(group[0]);
  const isOwn = all.every((other) => other === group || other.every((file) => folderOf(file) !== folder));
  if (isOwn && folder !== "." && group.every((file) => folderOf(file) === folder)) return folder;
  return (group.find(({ split }) => split === "train") ?? group[0]).file;
}

/** Orders files by preference: usual names (val before dev), then fewer folders, then uncompressed files. */
function compare(a: NamedFile, b: NamedFile): number {
  const rank = ({ file }: NamedFile) => 2 * file.split(path.sep).length + (file.endsWith(".gz") ? 1 : 0);
  return a.rank - b.rank || rank(a) - rank(b) || (a.file < b.file ? -1 : 1);
}

export function listed(files: readonly NamedFile[]): string {
  return listSome(
    files.map(({ file }) => file),
    MAX_NAMED,
  );
}
