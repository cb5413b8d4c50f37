// Saves pictures, and opens them in the system's viewer: --open.
import path from "node:path";
import { isSystemError } from "../errors.js";
import { writeFileAtomically } from "../files/write.js";
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

/** Opens an address in the browser, without waiting for it. */
export async function openPage(io: Io, address: string): Promise<void> {
  const problem = missingViewer(io) ?? (await startViewer(io, address));
  if (problem !== undefined) note(io, `No browser was opened: ${problem}.`);
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

/** Starts the viewer of a file or an address. @returns the reason if it fails */
async function startViewer({ env }: Io, target: string): Promise<string | undefined> {
  const { default: open } = await import("open"); // lazy: rarely needed
  // By default, `open` runs a bundled xdg-open. The system's xdg-open knows the installed desktop.
  const usesXdg = process.platform === "linux" && !isWsl(env);
  try {
    await open(target, usesXdg ? { app: { name: "xdg-open" } } : {});
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) return "the system's viewer failed";
    return usesXdg && error.code === "ENOENT" ? "xdg-open is not installed" : error.message;
  }
}
