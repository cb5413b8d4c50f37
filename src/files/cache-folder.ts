// Finds the folder of the cache. Falls back to a private temporary folder if the user's own is not writable.
import { lstatSync } from "node:fs";
import { access, constants, mkdir } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { isSystemError, UserError } from "../errors.js";
import { makeFolder } from "./write.js";

/** Closed to other users, since the cache holds copies of images whose own folder may be closed to them. */
const MODE = 0o700;

/**
 * The user's cache folder: VAE_CACHE, or the system's folder for caches.
 *
 * @param home returns the home folder. May throw
 * @returns undefined if there is no such folder
 */
export function userCacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home: () => string,
): string | undefined {
  const { VAE_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = env;
  if (VAE_CACHE) return path.resolve(VAE_CACHE);
  if (platform === "win32") return LOCALAPPDATA ? path.join(LOCALAPPDATA, "vae", "Cache") : undefined;
  if (platform !== "darwin" && XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) {
    return path.join(XDG_CACHE_HOME, "vae"); // the specification ignores relative ones
  }
  const folder = home();
  if (!path.isAbsolute(folder)) return undefined;
  return path.join(folder, platform === "darwin" ? "Library/Caches" : ".cache", "vae");
}

/** Errors that are not the folder's fault. */
const TRANSIENT = ["EIO", "EMFILE", "ENFILE", "ENOMEM"];

/** Returns the folder of the cache, and creates it if it is missing. @throws UserError if no folder is usable */
export async function openCacheFolder(): Promise<string> {
  try {
    const folder = userCacheFolder(process.env, process.platform, homedir);
    if (folder !== undefined) {
      await makeFolder(folder, MODE);
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      return folder;
    }
  } catch (error) {
    const isUnusable = isSystemError(error) && !TRANSIENT.includes(error.code ?? "");
    if (!isUnusable && !(error instanceof UserError)) throw error;
  }
  return openFallback();
}

/**
 * Opens the fallback for a home that is missing or read-only, as in containers. Its name is fixed, so that the next
 * command finds the data. Other users can guess the name and create it first, or as a link, so it must be a folder that
 * the user owns and that is closed to others. On Windows the temporary folder is private already.
 */
async function openFallback(): Promise<string> {
  const user = process.getuid?.();
  const folder = path.join(tmpdir(), user === undefined ? "vae-cache" : `vae-cache-${user}`);
  await mkdir(folder, MODE).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = lstatSync(folder);
  const isPrivate = user === undefined || (found.uid === user && (found.mode & 0o077) === 0);
  if (found.isDirectory() && isPrivate) return folder;
  throw new UserError(
    `${folder} cannot hold the cache: other users may change it. Set VAE_CACHE to a folder that you can write.`,
  );
}
