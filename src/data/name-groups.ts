// Chooses the files of one data set in a folder by their names.
import path from "node:path";
import { UserError } from "../errors.js";
import { listSome } from "../wording.js";
import { type NameParts, parseName, SPLITS, type Split } from "./names.js";

/** A file, relative to its folder, with what its name says. */
export interface NamedFile extends NameParts {
  readonly file: string;
}

/** Files that an error or a note names. */
const MAX_NAMED = 8;

/**
 * Chooses images and labels of each split. Files whose names have other words in common are one data set.
 *
 * @throws UserError if there are several data sets, or no images to train on
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
    throw new UserError(`${folder} holds no images to train on, by their names: ${listed(images)}.`);
  }
  const unused = files.filter(({ file }) => !chosen.some((one) => one.file === file));
  return { chosen, notes: unused.length > 0 ? [`Not used: ${listed(unused)}.`] : [] };
}

/** Files without a split are for training, if no other is. Otherwise they are left out. */
export function assignSplits<File extends NamedFile>(files: readonly File[]): (File & { readonly split: Split })[] {
  const rest = files.some(({ split }) => split === "train") ? undefined : ("train" as const);
  return files.flatMap((file) => {
    const split = file.split ?? rest;
    return split ? [{ ...file, split }] : [];
  });
}

/** Finds the labels of images: of the same split, and of the same data set or of none by their names. */
export function findLabels(image: NamedFile, files: readonly NamedFile[]): NamedFile | undefined {
  const labels = files.filter(({ role, split }) => role === "labels" && split === image.split).sort(compare);
  const fitting = labels.filter(({ rest }) => rest === "" || image.rest === "");
  return labels.find(({ rest }) => rest === image.rest) ?? (fitting.length === 1 ? fitting[0] : undefined);
}

/** The files of the one data set, or of the one that has images to train on. */
export function mainGroup(files: readonly NamedFile[], folder: string): readonly NamedFile[] {
  const groups = [...new Set(files.map(({ rest }) => rest))].map((rest) => files.filter((file) => file.rest === rest));
  const trained = groups.filter((group) => group.some(({ split }) => split === "train"));
  const candidates = trained.length > 0 ? trained : groups;
  if (candidates.length === 1) return candidates[0];
  if (candidates.length === 0) throw new UserError(`${folder} holds labels, but no images.`);
  const places = candidates.map((group) => placeOf(group, candidates));
  throw new UserError(`${folder} holds several data sets: ${listSome(places, MAX_NAMED)}. Give the path of one.`);
}

/** The folder of a data set, unless it holds others too: then the first file to train on. */
function placeOf(group: readonly NamedFile[], all: readonly (readonly NamedFile[])[]): string {
  const folderOf = ({ file }: NamedFile) => path.dirname(file);
  const folder = folderOf(group[0]);
  const isOwn = all.every((other) => other === group || other.every((file) => folderOf(file) !== folder));
  if (isOwn && folder !== "." && group.every((file) => folderOf(file) === folder)) return folder;
  return (group.find(({ split }) => split === "train") ?? group[0]).file;
}

/** Prefers usual names, val to dev, then files in fewer folders, then plain files to compressed ones. */
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
