// Saves pictures, and opens them or a page in the system's viewer: --open.
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isSystemError } from "../errors.js";
import { withTemporary, writeFileAtomically } from "../files/write.js";
import { encodePng, type LoadedModel, type Picture } from "../index.js";
import type { Io } from "./io.js";
import { note, print } from "./output.js";

/** Writes a picture or SVG text to `out`, by default pictures/`name` of the run, and prints the path. */
export async function savePicture(
  io: Io,
  model: LoadedModel,
  picture: Picture | string,
  name: string,
  { out, open }: { readonly out: string | undefined; readonly open: boolean | undefined },
): Promise<void> {
  const content = typeof picture === "string" ? picture : encodePng(picture);
  if (out !== undefined) await writeFileAtomically(out, content);
  const file = out ?? (await model.folder.writePicture(name, content));
  print(io, file);
  if (open) await openPicture(io, file);
}

/** Opens a picture, without waiting for the viewer. A missing viewer is only noted, since the picture is saved. */
export async function openPicture(io: Io, file: string): Promise<void> {
  const problem = missingViewer(io) ?? (await startViewer(io, path.resolve(file)));
  if (problem !== undefined) note(io, `No viewer was opened for ${file}: ${problem}.`);
}

/**
 * Opens an address in the browser, without waiting for it. Passes the browser a file that redirects to the address,
 * since other users can read the arguments of processes, but not the file. Deletes it when `closed` settles, or the
 * process ends.
 */
export async function openPage(io: Io, address: string, closed: Promise<void>): Promise<void> {
  await withTemporary(path.join(tmpdir(), "vae"), async (folder) => {
    const problem = missingViewer(io) ?? (await openRedirect(io, folder, address));
    if (problem !== undefined) note(io, `No browser was opened: ${problem}.`);
    await closed;
  });
}

/** @returns the reason if it fails */
async function openRedirect(io: Io, folder: string, address: string): Promise<string | undefined> {
  const file = path.join(folder, "explore.html");
  try {
    await mkdir(folder, { mode: 0o700 });
    await writeFile(file, redirectTo(address), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (isSystemError(error)) return error.message;
    throw error;
  }
  return startViewer(io, file);
}

function redirectTo(address: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=${address}">
<title>vae explore</title>
<a href="${address}">${address}</a>
`;
}

/** The reason why no viewer can run here; undefined if one can. */
function missingViewer({ env }: Io): string | undefined {
  if (env.DISPLAY || env.WAYLAND_DISPLAY) return undefined;
  if (env.SSH_CONNECTION || env.SSH_TTY) return "this session runs over SSH, without a display";
  const needsDisplay = !["darwin", "win32"].includes(process.platform) && !isWsl(env);
  return needsDisplay ? "there is no display (DISPLAY is not set)" : undefined;
}

/** Linux inside Windows, where viewers need no Linux display. */
function isWsl(env: Io["env"]): boolean {
  return Boolean(env.WSL_DISTRO_NAME);
}

/** Starts the viewer of a file. @returns the reason if it fails */
async function startViewer({ env }: Io, file: string): Promise<string | undefined> {
  const { default: open } = await import("open"); // lazy: rarely needed
  // By default, `open` runs a bundled xdg-open. The system's xdg-open knows the installed desktop.
  const usesXdg = process.platform === "linux" && !isWsl(env);
  try {
    await open(file, usesXdg ? { app: { name: "xdg-open" } } : {});
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) return "the system's viewer failed";
    return usesXdg && error.code === "ENOENT" ? "xdg-open is not installed" : error.message;
  }
}
