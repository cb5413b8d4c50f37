// Pictures that the training drew after its epochs, from the run's folder: as many as fit into a report.
import path from "node:path";
import { UserError } from "../errors.js";
import { ifPresent, listNames, readStart, statIfThere } from "../files/read.js";
import { PICTURES } from "../run/folder.js";

/** PNG bytes of all epochs together, next to an embedded decoder or not. */
const MAX_BYTES = { withDecoder: 400e3, alone: 2e6 };
/** Larger files are no pictures of a training. */
const MAX_PICTURE_BYTES = 50e6;
/** The start of a PNG: its signature, and the head of the chunk that holds its size. */
const PNG_START = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);

/** A picture in a PNG file, and its size in pixels. */
export interface Drawing {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface EpochPicture extends Drawing {
  readonly epoch: number;
}

/**
 * Reads pictures/reconstructions/<epoch>.png. If they are too large together, chooses epochs at growing distances,
 * since models change most at the start.
 *
 * @param last later pictures were drawn by an interrupted training
 * @param hasDecoder whether the report contains a decoder, which leaves less room
 * @returns by epoch, and the number of all pictures
 */
export async function readReconstructions(
  run: string,
  last: number,
  hasDecoder: boolean,
): Promise<{ readonly pictures: readonly EpochPicture[]; readonly of: number }> {
  const folder = path.join(run, PICTURES, "reconstructions");
  const found = (await listNames(folder)).flatMap((name) => {
    const epoch = Number(/^(\d{3,7})\.png$/.exec(name)?.[1]);
    if (!(epoch >= 1 && epoch <= last)) return [];
    const file = path.join(folder, name);
    return [{ epoch, file, bytes: statIfThere(file)?.size ?? Infinity }];
  });
  const chosen = chooseEpochs(found, hasDecoder ? MAX_BYTES.withDecoder : MAX_BYTES.alone);
  const pictures: EpochPicture[] = [];
  for (const { epoch, file } of chosen) {
    const drawing = await readPng(file);
    if (drawing) pictures.push({ epoch, ...drawing });
  }
  return { pictures, of: found.length };
}

/** Chooses the last epoch, the first, and then, as long as all fit, the one that differs most from the chosen ones. */
export function chooseEpochs<Found extends { readonly epoch: number; readonly bytes: number }>(
  found: readonly Found[],
  maxBytes: number,
): Found[] {
  const rest = found.toSorted((a, b) => a.epoch - b.epoch);
  const chosen = rest.splice(-1);
  let left = maxBytes - (chosen[0]?.bytes ?? 0);
  const distance = ({ epoch }: Found) => Math.min(...chosen.map((other) => Math.abs(Math.log(epoch / other.epoch))));
  while (rest.length > 0) {
    const distances = rest.map(distance);
    const [next] = rest.splice(distances.indexOf(Math.max(...distances)), 1);
    if (next.bytes > left) break;
    left -= next.bytes;
    chosen.push(next);
  }
  return chosen.sort((a, b) => a.epoch - b.epoch);
}

/** Reads a picture of the run by its name in pictures/. Undefined if it is missing, or is not a PNG. */
export function readPicture(run: string, name: string): Promise<Drawing | undefined> {
  return readPng(path.join(run, PICTURES, name));
}

async function readPng(file: string): Promise<Drawing | undefined> {
  try {
    const bytes = await ifPresent(readStart(file, MAX_PICTURE_BYTES));
    if (!bytes || bytes.length < PNG_START.length + 8 || PNG_START.some((byte, i) => bytes[i] !== byte))
      return undefined;
    const size = new DataView(bytes.buffer, bytes.byteOffset + PNG_START.length, 8);
    return { png: bytes, width: size.getUint32(0), height: size.getUint32(4) };
  } catch (error) {
    if (error instanceof UserError) return undefined; // not a regular file
    throw error;
  }
}
