// What was unpacked or decoded once, kept beside the data for the next time: files in a folder .vae-cache, which may be deleted.
import { createHash, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";

export const CACHE_FOLDER = ".vae-cache";

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
  const hash = createHash("sha256").update(kind);
  for (const source of sources) {
    const { size, mtimeMs } = statSync(source);
    hash.update(JSON.stringify([path.resolve(source), size, mtimeMs]));
  }
  const file = path.join(await makeFolder(place), `${hash.digest("hex").slice(0, 24)}-${kind}`);
  const infoFile = `${file}.json`;
  try {
    const [info] = await Promise.all([readFile(infoFile, "utf8"), open(file).then((opened) => opened.close())]);
    return { file, info: JSON.parse(info) };
  } catch (error) {
    if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const opened = await open(temporary, "wx");
    let info: Info;
    try {
      info = await make(async (bytes) => opened.writeFile(bytes));
      await opened.sync();
    } finally {
      await opened.close();
    }
    await writeFile(`${temporary}.json`, JSON.stringify(info));
    await rename(`${temporary}.json`, infoFile);
    await rename(temporary, file);
    return { file, info };
  } catch (error) {
    for (const half of [temporary, `${temporary}.json`]) await rm(half, { force: true }).catch(() => {});
    throw error;
  }
}

async function makeFolder(place: string): Promise<string> {
  const folder = path.join(place, CACHE_FOLDER);
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EACCES", "EPERM", "EROFS"].includes(code)) throw error;
    const own = path.join(homedir(), ".cache", "vae");
    await mkdir(own, { recursive: true });
    return own;
  }
}
