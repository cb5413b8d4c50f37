// Divides decoded images into the splits of a source.
import { UserError } from "../errors.js";
import { printable } from "../wording.js";
import type { DecodedCollection } from "./decode.js";
import type { BadFile } from "./listing.js";
import { SPLITS, type Split } from "./names.js";
import { type Images, type Origin, select } from "./pixels.js";
import type { Source } from "./sources.js";

/** The most bad images that an error names. */
const MAX_NAMED = 3;

/** An image of a collection before it is decoded. */
export interface Entry {
  readonly split: Split;
  /** The number of its class, if it has one. */
  readonly label?: number | undefined;
  readonly origin: Origin;
}

/**
 * Divides decoded images into splits. A split has labels if each of its images has one.
 *
 * @param entries all images of the collection, good and bad
 * @param irregular files that could not be read and may be images
 * @throws UserError if images are bad and `skipBad` is not given, or all training images are bad
 */
export function divideDecoded(
  name: string,
  { shape, pixels, inputs, positions, ...decoded }: DecodedCollection,
  entries: readonly Entry[],
  {
    irregular = [],
    skipBad = false,
  }: { readonly irregular?: readonly BadFile[]; readonly skipBad?: boolean | undefined },
): Pick<Source, "train" | "validation" | "test" | "background" | "scales" | "bad"> {
  const bad = [...decoded.bad, ...irregular];
  if (positions.length === 0 || (bad.length > 0 && !skipBad)) {
    throw new UserError(describeBad(name, bad, entries.length + irregular.length));
  }
  const good = Array.from(positions, (position) => entries[position]);
  const [train, validation, test] = SPLITS.map((split): Images | undefined => {
    const own = Uint32Array.from(good.keys()).filter((i) => good[i].split === split);
    if (own.length === 0) return undefined;
    const labels = Array.from(own, (i) => good[i].label);
    return {
      shape,
      count: own.length,
      pixels: select(pixels, own),
      inputs: inputs && select(inputs, own),
      labels: labels.every((label) => label !== undefined) ? Uint16Array.from(labels) : undefined,
      origin: (i) => good[own[i]].origin,
    };
  });
  if (!train) throw new UserError(`None of the training images in ${name} can be used.`);
  return { train, validation, test, background: decoded.background, scales: decoded.scales, bad };
}

function describeBad(folder: string, bad: readonly BadFile[], count: number): string {
  const named = bad.slice(0, MAX_NAMED).map(({ file, why }) => `${printable(file)} (${why})`);
  const more = bad.length > MAX_NAMED ? ` and ${bad.length - MAX_NAMED} more` : "";
  return (
    `${bad.length} of the ${count} images in ${folder} cannot be used: ` +
    `${named.join(", ")}${more}. vae data lists all; \`skipBad\` leaves them out.`
  );
}
