// What was unpacked or decoded once, kept beside the data for the next time: files in a folder .vae-cache, which may be deleted.
import { createHash, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { access, constants, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { withFileName } from "./stat.js";

const CACHE_FOLDER = ".vae-cache";
/** To be raised when the same files become other bytes. */
const FORMAT = 1;

/** A file made of others, and what its maker has to say of it. */
export interface Cached<Info> {
  readonly file: string;
  readonly info: Info;
}

/**
 * The file that `make` makes of other files: made now, if it is not there yet or these have changed since.
 *
 * @param place the folder that it is to stand in; where nothing can be written there, it stands in the user's folder for caches
 * @param sources the files that it is made of
 * @param kind what is made of them: another kind is another file
 * @param make writes the file by parts, and returns what can be JSON
 */
export async function cached<Info>(
  place: string,
  sources: readonly string[],
  kind: string,
  make: (write: (bytes: Uint8Array) => Promise<void>) => Promise<Info>,
): Promise<Cached<Info>> {
  const hash = createHash("sha256").update(`${FORMAT} ${kind}`);
  for (const source of sources) {
    const { size, mtimeMs, ctimeMs } = statSync(source);
    hash.update(JSON.stringify([path.resolve(source), size, mtimeMs, ctimeMs]));
  }
  const file = path.join(await makeFolder(place), `${hash.digest("hex").slice(0, 24)}-${kind}`);
  const infoFile = `${file}.json`;
  try {
    const { bytes, info } = JSON.parse(await readFile(infoFile, "utf8"));
    if ((await stat(file)).size === bytes) return { file, info };
  } catch (error) {
    if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const temporary = `${file}.${randomUUID()}.tmp`;
  const writing = (write: () => Promise<void>) => withFileName(file, "written", write);
  try {
    const opened = await open(temporary, "wx");
    let info: Info;
    let length = 0;
    try {
      info = await make(async (bytes) => {
        await writing(() => opened.writeFile(bytes));
        length += bytes.length;
      });
      await writing(() => opened.sync());
    } finally {
      await opened.close();
    }
    await writing(() => writeFile(`${temporary}.json`, JSON.stringify({ bytes: length, info })));
    await rename(`${temporary}.json`, infoFile);
    await rename(temporary, file);
    return { file, info };
  } catch (error) {
    for (const half of [temporary, `${temporary}.json`]) await rm(half, { force: true }).catch(() => {});
    throw error;
  }
}

async function makeFolder(place: string): Promise<string> {
  try {
    const folder = await makeFolderIn(place, CACHE_FOLDER);
    await access(folder, constants.W_OK);
    await deleteLeftovers(folder);
    return folder;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EACCES", "EPERM", "EROFS"].includes(code)) throw error;
    return makeFolderIn(await makeFolderIn(homedir(), ".cache"), "vae");
  }
}

/** Node's own `recursive` says ENOENT where nothing can be written, and never ends where the system has no place for folders. */
async function makeFolderIn(place: string, name: string): Promise<string> {
  const folder = path.join(place, name);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  return folder;
}

const DAY = 86_400_000;

/** What a killed process left half written. */
async function deleteLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (!/\.tmp(\.json)?$/.test(name)) continue;
    const found = statSync(file, { throwIfNoEntry: false }); // another process may just have given it its name
    if (found && found.mtimeMs < Date.now() - DAY) await rm(file, { force: true });
  }
}
