// Finds the folder of the cache. Falls back to a private folder where the user's own cannot be written.
import { lstatSync } from "node:fs";
import { access, constants, mkdir } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { isSystemError, UserError } from "../errors.js";
import { makeFolder } from "./write.js";

/** Closed to other users: the cache holds copies of images whose own folder may be closed, too. */
const MODE = 0o700;

/**
 * The user's cache folder: VAE_CACHE, or the place that the system has for caches.
 *
 * @param home may throw
 * @returns undefined if the environment names no folder
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

/** Errors that say nothing about the folder. */
const TRANSIENT = ["EIO", "EMFILE", "ENFILE", "ENOMEM"];

/** Creates the folder of the cache if need be. @throws UserError if no folder can be used */
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
 * Opens the fallback for a home that is missing or read-only, as in containers. Its name is the same each time, so that
 * the next command finds the data. Others can guess the name and create it first, or a link: so the folder must be the
 * user's own and closed to others. On Windows the temporary folder is the user's already.
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
