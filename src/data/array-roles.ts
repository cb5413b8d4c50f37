// Finds the images and labels of each split among the arrays of a file, by their names and shapes.
import { UserError } from "../errors.js";
import { LargeInteger } from "../formats/npy.js";
import { listSome } from "../wording.js";
import type { FileArray } from "./arrays.js";
import { areClasses } from "./labels.js";
import { type NameParts, parseName, type Role, SPLITS, type Split } from "./names.js";

/** The most arrays or files that a message names. */
export const MAX_NAMED = 8;

/** The arrays of one split. */
interface SplitArrays {
  images?: FileArray;
  labels?: FileArray;
}
export type Splits = Map<Split, SplitArrays>;

/**
 * Groups the arrays of a file by split, according to their names or the file's. An array whose name has no role holds
 * images if it has two dimensions or more, and labels if it has one class for each image.
 *
 * @throws UserError if it is unclear which array holds the images
 */
export function groupSplits(
  arrays: readonly FileArray[],
  about: Pick<NameParts, "role" | "split">,
  file: string,
): { splits: Splits; notes: string[] } {
  const named = arrays.map((array) => {
    const own = array.key === undefined ? undefined : parseName(array.key);
    const role = own?.role ?? (arrays.length === 1 ? about.role : undefined);
    return { array, role, split: own?.split ?? about.split ?? ("train" as const), rest: own?.rest ?? "" };
  });
  const splits: Splits = new Map();
  const used = new Set<FileArray>();
  for (const split of SPLITS) {
    const own = named.filter((one) => one.split === split);
    const images = chooseImages(
      own.filter(({ role, array }) => role === "images" || (!role && array.shape.length > 1)),
      file,
    );
    const count = images?.array.shape[0];
    const areLabels = ({ array }: Candidate) =>
      array.shape.length === 1 && array.shape[0] === count && holdsClasses(array);
    const labels =
      own.find(({ role, rest }) => role === "labels" && rest === images?.rest) ??
      own.find(({ role }) => role === "labels") ??
      own.find((one) => one.role === undefined && one !== images && areLabels(one));
    if (images || labels) {
      splits.set(split, { ...(images && { images: images.array }), ...(labels && { labels: labels.array }) });
    }
    for (const one of [images, labels]) if (one) used.add(one.array);
  }
  const unused = arrays.filter((array) => !used.has(array)).map(({ key, name }) => key ?? name);
  const notes = arrays.flatMap(({ notes = [] }) => notes);
  return {
    splits,
    notes: unused.length > 0 ? [...notes, `Not used in ${file}: ${listSome(unused, MAX_NAMED)}.`] : notes,
  };
}

interface Candidate {
  readonly array: FileArray;
  readonly role?: Role | undefined;
  readonly rest: string;
}

function holdsClasses(array: FileArray): boolean {
  try {
    return areClasses(array.values ?? []);
  } catch (error) {
    if (error instanceof LargeInteger) return false;
    throw error;
  }
}

/** Prefers arrays with a role, then without other words in the name, then of more dimensions, then of more rows. */
function chooseImages<One extends Candidate>(candidates: readonly One[], file: string): One | undefined {
  const rank = ({ role, rest, array: { shape } }: Candidate) => [
    Number(role === "images"),
    Number(rest === ""),
    Number(shape.length > 2),
    shape[0],
  ];
  const [best, next] = candidates.toSorted((a, b) => compareRanks(rank(a), rank(b)));
  if (next && compareRanks(rank(best), rank(next)) === 0) {
    const names = [best, next].map(({ array }) => array.key ?? array.name);
    throw new UserError(`${file} holds several arrays of images: ${listSome(names, MAX_NAMED)}. Save only one.`);
  }
  return best;
}

/** Sorts the higher rank first: the first numbers that differ decide. */
function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : b[at] - a[at];
}
