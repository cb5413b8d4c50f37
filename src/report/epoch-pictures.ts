// Pictures that the training drew after its epochs, from the run's folder: as many as fit into a report.
import { pngSize } from "../pictures/png.js";
import { listPictures, pictureBytes, pictureEpoch, readPicture } from "../run/pictures.js";

/** PNG bytes of all epochs together, next to an embedded decoder or not. */
const MAX_BYTES = { withDecoder: 400e3, alone: 2e6 };
/** Of one epoch's picture: the last one is shown even if it does not fit. */
const MAX_PICTURE_BYTES = 10e6;
/** Of the pictures that do not change by epoch, together. */
const MAX_FIXED_BYTES = 10e6;

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
 * @returns the chosen pictures by epoch, and the number of all
 */
export async function readReconstructions(
  run: string,
  last: number,
  hasDecoder: boolean,
): Promise<{ readonly pictures: readonly EpochPicture[]; readonly total: number }> {
  const found = (await listPictures(run, "reconstructions")).flatMap((name) => {
    const epoch = pictureEpoch(name) ?? 0;
    const bytes = pictureBytes(run, name);
    return epoch >= 1 && epoch <= last && bytes <= MAX_PICTURE_BYTES ? [{ epoch, name, bytes }] : [];
  });
  const chosen = chooseEpochs(found, hasDecoder ? MAX_BYTES.withDecoder : MAX_BYTES.alone);
  const pictures: EpochPicture[] = [];
  for (const { epoch, name } of chosen) {
    const drawing = await readDrawing(run, name);
    if (drawing) pictures.push({ epoch, ...drawing });
  }
  return { pictures, total: found.length };
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

/** Pictures that do not change by epoch. */
export interface FixedPictures {
  readonly targets?: Drawing;
  readonly inputs?: Drawing;
  readonly noisy?: Drawing;
  readonly progress?: Drawing;
}

/** Reads the pictures that do not change by epoch, in their order, as long as they fit into the report. */
export async function readFixedPictures(run: string): Promise<FixedPictures> {
  const names = { targets: "targets.png", inputs: "inputs.png", noisy: "inputs-noisy.png", progress: "progress.png" };
  const found: { -readonly [Name in keyof FixedPictures]: Drawing } = {};
  let left = MAX_FIXED_BYTES;
  for (const [key, name] of Object.entries(names)) {
    const bytes = pictureBytes(run, name);
    const drawing = bytes <= left ? await readDrawing(run, name) : undefined;
    if (!drawing) continue;
    found[key as keyof FixedPictures] = drawing;
    left -= bytes;
  }
  return found;
}

/** Reads a picture of the run. Undefined if it is missing, or is not a PNG. */
async function readDrawing(run: string, name: string): Promise<Drawing | undefined> {
  const png = await readPicture(run, name);
  const size = png && pngSize(png);
  return size && { png, width: size.width, height: size.height };
}
