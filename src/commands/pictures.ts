// Saves pictures, and opens them in the system's viewer: --open.
import path from "node:path";
import { isSystemError } from "../errors.js";
import { writeFileAtomically } from "../files/write.js";
import { encodePng, type LoadedModel, type Picture } from "../index.js";
import type { Io } from "./io.js";
import { note, print } from "./output.js";

/** Writes a picture, or the text of an SVG, to `out` or to the run's pictures, prints where, and may open it. */
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

/** Opens a picture, without waiting for the viewer. Where there is none, a note says so: the picture is there. */
export async function openPicture(io: Io, file: string): Promise<void> {
  const problem = missingViewer(io) ?? (await startViewer(io, path.resolve(file)));
  if (problem !== undefined) note(io, `No viewer was opened for ${file}: ${problem}.`);
}

/** Why no viewer can show anything here, if so. */
function missingViewer({ env }: Io): string | undefined {
  if (env.DISPLAY || env.WAYLAND_DISPLAY) return undefined;
  if (env.SSH_CONNECTION || env.SSH_TTY) return "this session runs over SSH, without a display";
  const needsDisplay = !["darwin", "win32"].includes(process.platform) && !isWsl(env);
  return needsDisplay ? "there is no display (DISPLAY is not set)" : undefined;
}

/** Linux inside Windows, whose viewers need no display of Linux. */
function isWsl(env: Io["env"]): boolean {
  return Boolean(env.WSL_DISTRO_NAME);
}

/** Starts the viewer. @returns why that failed, if it did */
async function startViewer({ env }: Io, file: string): Promise<string | undefined> {
  const { default: open } = await import("open"); // here, as few commands need it
  // By default, open runs its own copy of xdg-open. The system's knows the desktop that it came with.
  const usesXdg = process.platform === "linux" && !isWsl(env);
  try {
    await open(file, usesXdg ? { app: { name: "xdg-open" } } : {});
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) return "the system's viewer failed";
    return usesXdg && error.code === "ENOENT" ? "xdg-open is not installed" : error.message;
  }
}
