// Parses names of arrays and folders: their split, role and data set.
import path from "node:path";
import { UserError } from "../errors.js";
import { listSome } from "../wording.js";

export const SPLITS = ["train", "validation", "test"] as const;
export type Split = (typeof SPLITS)[number];

const SPLIT_WORDS: Record<Split, readonly string[]> = {
  train: ["train", "training"],
  validation: ["val", "valid", "validation", "dev"],
  test: ["test", "testing", "eval", "t10k"],
};
const ROLE_WORDS = {
  images: ["x", "images", "image", "imgs", "img"],
  labels: ["y", "labels", "label", "targets"],
} as const;
export type Role = keyof typeof ROLE_WORDS;

/** Words to ignore: formats, and the numbers and hashes of shards. */
const FORMAT_WORD = /^(idx\d|ubyte|int|npy|npz|csv|tsv|amat|parquet|gz|of|\d{4,5}|[\da-f]{16}|arr)$/;
/** x_train in one word. */
const JOINED = /^(x|y)(train|training|val|valid|validation|dev|test|testing)$/;

/** The most folders that an error names. */
const MAX_NAMED = 8;

export interface NameParts {
  readonly split?: Split | undefined;
  readonly role?: Role | undefined;
  /** The position of the split's word in the order of preference: 0 for val, more for dev. */
  readonly rank: number;
  /** The remaining words, which name the data set. Empty for x_train.npy. */
  readonly rest: string;
}

/** The split that a folder is named after, in upper or lower case: train, val, test, … */
export function splitOf(folder: string): Split | undefined {
  const word = folder.toLowerCase();
  return SPLITS.find((split) => SPLIT_WORDS[split].includes(word));
}

/**
 * Finds the folders of splits among some names: train, val and test; or, without train, names that share all other
 * words, such as seg_train and seg_test.
 *
 * @returns the folders of each split, the most usual name first
 */
export function findSplits(names: Iterable<string>): Map<Split, string[]> {
  const folders = [...names].map((name) => ({ name, ...parseName(name) }));
  const isPlain = ({ name }: { name: string }) => splitOf(name) !== undefined;
  const hasTraining = (group: typeof folders) => group.some(({ split }) => split === "train");
  let chosen = folders.filter(isPlain);
  if (!hasTraining(chosen)) {
    const keyOf = ({ role, rest }: NameParts) => `${role} ${rest}`;
    const groups = [...new Set(folders.map(keyOf))].map((key) =>
      folders.filter((folder) => folder.split && keyOf(folder) === key),
    );
    const pairs = groups.filter((group) => group.length > 1 && hasTraining(group));
    if (pairs.length > 1) {
      const all = pairs.flat().map(({ name }) => name);
      throw new UserError(
        `The folders ${listSome(all, MAX_NAMED)} are splits of several data sets. Give the folder of one.`,
      );
    }
    chosen = pairs[0] ?? chosen;
  }
  const splits = new Map<Split, string[]>();
  for (const split of SPLITS) {
    const own = chosen.filter((folder) => folder.split === split).map(({ name }) => name);
    const rank = (name: string) => SPLIT_WORDS[split].indexOf(name.toLowerCase());
    if (own.length > 0)
      splits.set(
        split,
        own.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)),
      );
  }
  return splits;
}

/** Whether a folder merely wraps the images of its parent: images/1.png. */
export function isImagesFolder(folder: string): boolean {
  return ROLE_WORDS.images.slice(1).some((word) => word === folder.toLowerCase());
}

/**
 * Parses the name of an array: t10k-images-idx3-ubyte.gz, x_val.npy, binarized_mnist_test.amat, or train_images in an
 * archive. Includes the names of its folders: test/0000.parquet.
 */
export function parseName(name: string): NameParts {
  let split: Split | undefined;
  let role: Role | undefined;
  let rank = 0;
  const rest: string[] = [];
  const words = name
    .normalize("NFC")
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .flatMap((word) => JOINED.exec(word)?.slice(1) ?? [word]);
  for (const word of words) {
    const asSplit = splitOf(word);
    const asRole = (Object.keys(ROLE_WORDS) as Role[]).find((key) => ROLE_WORDS[key].some((known) => known === word));
    if (asSplit) {
      split = asSplit;
      rank = SPLIT_WORDS[asSplit].indexOf(word);
    } else if (asRole) role = asRole;
    else if (word !== "" && !FORMAT_WORD.test(word)) rest.push(word);
  }
  return { split, role, rank, rest: rest.join("-") };
}

/** The extension of a file's name in lower case, ignoring .gz: .csv for digits.CSV.gz. */
export function endingOf(file: string): string {
  return path.extname(file.toLowerCase().replace(/\.gz$/, ""));
}

/** Whether a file name has the extension of arrays, or the form of IDX names. */
export function isArrayName(file: string): boolean {
  const name = path.basename(file).toLowerCase();
  return (
    [".npy", ".npz", ".csv", ".tsv", ".amat", ".parquet"].includes(endingOf(file)) || /idx\d-\w+(\.gz)?$/.test(name)
  );
}
