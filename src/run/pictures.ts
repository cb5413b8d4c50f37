// The pictures in a run's folder, by their names in pictures/. Follows no links.
import type { Dirent } from "node:fs";
import path from "node:path";
import { ifPresent, listEntries, readBytes, statIfThere } from "../files/read.js";

export const PICTURES = "pictures";

/**
 * Lists PNG and SVG files in pictures/ and its folders, such as samples/001.png, in order.
 *
 * @param kind lists only this folder of pictures/
 */
export async function listPictures(run: string, kind?: string): Promise<string[]> {
  const isPicture = (entry: Dirent) => entry.isFile() && /\.(png|svg)$/.test(entry.name);
  const entries = await listEntries(path.join(run, PICTURES));
  const names = kind === undefined ? entries.filter(isPicture).map(({ name }) => name) : [];
  for (const folder of entries) {
    if (!folder.isDirectory() || (kind ?? folder.name) !== folder.name) continue;
    const inside = await listEntries(path.join(run, PICTURES, folder.name));
    names.push(...inside.filter(isPicture).map(({ name }) => `${folder.name}/${name}`));
  }
  return names.sort();
}

/** Reads a picture. @returns undefined if `listPictures` has none of this name */
export async function readPicture(run: string, name: string): Promise<Uint8Array | undefined> {
  const kind = /^(.+)\//.exec(name)?.[1];
  if (!(await listPictures(run, kind)).includes(name)) return undefined;
  return ifPresent(readBytes(path.join(run, PICTURES, name)));
}

/** The size of a picture's file, 0 if it does not exist. */
export function pictureBytes(run: string, name: string): number {
  return statIfThere(path.join(run, PICTURES, name))?.size ?? 0;
}

/** The epoch of a picture such as samples/001.png. Undefined for other names. */
export function pictureEpoch(name: string): number | undefined {
  const digits = /\/(\d+)\.png$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
