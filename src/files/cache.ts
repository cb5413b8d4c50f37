// The cache of decoded and decompressed data: files in a folder .vae-cache beside the data. May be deleted any time.
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { access, constants, readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { isMissing, listNames, statIfThere } from "./read.js";
import { makeFolder, writeFileAtomically } from "./write.js";

/** Version of the content. Raise it when the same sources give other bytes. */
const FORMAT = 1;
const DAY = 86_400_000;

/**
 * Returns the cached file made of `sources`. Makes it if there is none, or the sources have changed since.
 *
 * @param place the folder of the cache; if it cannot be written, the user's own cache holds the file
 * @param kind part of the key
 * @param make yields the file in parts, and returns `info`, which must be JSON
 */
export async function cached<Info>(
  place: string,
  sources: readonly string[],
  kind: string,
  make: () => AsyncGenerator<Uint8Array, Info>,
): Promise<{ file: string; info: Info }> {
  const hash = createHash("sha256").update(`${FORMAT} ${kind}`);
  for (const source of sources) {
    const { size, mtimeMs, ctimeMs } = statSync(source);
    hash.update(JSON.stringify([path.resolve(source), size, mtimeMs, ctimeMs]));
  }
  const file = path.join(await openCache(place), `${hash.digest("hex").slice(0, 24)}-${kind}`);
  const infoFile = `${file}.json`;
  try {
    const { bytes, info } = JSON.parse(await readFile(infoFile, "utf8"));
    if (statSync(file).size === bytes) return { file, info };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isMissing(error)) throw error;
  }
  let info!: Info;
  async function* parts() {
    info = yield* make();
  }
  await writeFileAtomically(file, parts());
  await writeFileAtomically(infoFile, JSON.stringify({ bytes: statSync(file).size, info }));
  return { file, info };
}

/** Creates the cache if need be, and deletes the temporary files of killed processes. */
async function openCache(place: string): Promise<string> {
  const folder = path.join(place, ".vae-cache");
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
    for (const name of await listNames(folder)) {
      const file = path.join(folder, name);
      const age = Date.now() - (statIfThere(file)?.mtimeMs ?? Infinity); // another process may just have renamed it
      if (name.endsWith(".tmp") && age > DAY) await rm(file, { force: true });
    }
    return folder;
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    const own = path.join(homedir(), ".cache", "vae");
    await makeFolder(own);
    return own;
  }
}
