// Lists the image files in a folder, with their classes and partners, by name alone.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { statIfThere } from "../files/read.js";
import { isImageName } from "./image-files.js";

/**
 * Lists a folder and its sub-folders. Skips hidden files and the folders of runs.
 *
 * @returns sorted names relative to the folder. irregular: broken links, links to folders, pipes, …
 */
export async function listImages(folder: string): Promise<Record<"images" | "others" | "irregular", string[]>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const runs = entries
    .filter(({ name, parentPath }) => name === "checkpoint" && existsSync(path.join(parentPath, "config.json")))
    .map(({ parentPath }) => path.join(parentPath, path.sep));
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name, parentPath }) => path.join(parentPath, name))
    .filter((file) => !runs.some((run) => file.startsWith(run)))
    .map((file) => path.relative(folder, file))
    .filter((name) => !name.split(path.sep).some((part) => part.startsWith(".")))
    .sort();
  const isRegular = (name: string) => statIfThere(path.join(folder, name))?.isFile() ?? false;
  const files = names.filter(isRegular);
  return {
    images: files.filter(isImageName),
    others: files.filter((name) => !isImageName(name)),
    irregular: names.filter((name) => !isRegular(name)),
  };
}

/**
 * Finds the file in `folder` for each name: the same, else the one that differs only in its ending.
 *
 * @throws UserError if several do
 */
export async function findPartners(names: readonly string[], folder: string): Promise<(string | undefined)[]> {
  const stem = (name: string) => name.slice(0, name.length - path.extname(name).length);
  const { images } = await listImages(folder);
  const whole = new Set(images);
  const byStem = new Map<string, string[]>();
  for (const image of images) byStem.set(stem(image), [...(byStem.get(stem(image)) ?? []), image]);
  return names.map((name) => {
    const alike = whole.has(name) ? [name] : (byStem.get(stem(name)) ?? []);
    if (alike.length > 1) {
      throw new UserError(`${folder} holds ${alike.join(" and ")}: it is unclear which one belongs to ${name}.`);
    }
    return alike[0] && path.join(folder, alike[0]);
  });
}

/** Returns the sub-folders as classes, if all images lie in one. */
export function classesOf(names: readonly string[]): { labels?: Uint16Array; classes?: readonly string[] } {
  if (!names.every((name) => name.includes(path.sep))) return {};
  const classOf = (name: string) => name.slice(0, name.indexOf(path.sep));
  const classes = [...new Set(names.map(classOf))].sort();
  if (classes.length > 65_536) return {};
  const numbers = new Map(classes.map((name, i) => [name, i]));
  return { classes, labels: Uint16Array.from(names, (name) => numbers.get(classOf(name)) as number) };
}
