// Joins the classes of Parquet files, each of which has its own numbers and names.
import { UserError } from "../../errors.js";
import { MAX_CLASSES, type ParquetLabels } from "./labels.js";

interface LabelledFile extends ParquetLabels {
  readonly file: string;
}

interface JoinedClasses<File> {
  readonly classes?: readonly string[] | undefined;
  /** The class of each image in a file as an index of `classes`, -1 if missing. Undefined if the file has no labels. */
  readonly labelsOf: (file: File) => Int32Array | undefined;
  readonly note?: string | undefined;
}

/**
 * Joins the classes of files by their names: first the names in metadata, in the order of the files, then the texts,
 * sorted. If all names agree, files without names take their numbers from them.
 *
 * @throws UserError if only some files have names, and these do not cover the numbers in the other files
 */
export function joinClasses<File extends LabelledFile>(files: readonly File[]): JoinedClasses<File> {
  const named = files.filter(({ classes }) => classes);
  const names = named.map(({ classes = [] }) => classes);
  const isAlike = names.every((own) => own.length === names[0].length && own.every((one, i) => one === names[0][i]));
  const numbered = files.find(({ classes, labels }) => {
    const hasName = (label: number) => isAlike && label < names[0].length;
    return labels && !classes && names.length > 0 && !labels.every(hasName);
  });
  const texts = named.find(({ hasTexts }) => hasTexts);
  const other = numbered ?? (texts && files.find(({ classes, labels }) => labels && !classes));
  if (other) {
    const [{ file }] = texts ? [texts] : named;
    throw new UserError(
      `${file} has names of classes, but the numbers in ${other.file} have none. ` +
        "Save the names in all of these files, or in none.",
    );
  }
  if (isAlike) return { classes: names[0], labelsOf: ({ labels }) => labels };
  const ofMetadata = named.flatMap(({ classes = [], hasTexts }) => (hasTexts ? [] : classes));
  const ofTexts = named.flatMap(({ classes = [], hasTexts }) => (hasTexts ? classes : []));
  const classes = [...new Set([...ofMetadata, ...ofTexts.sort()])];
  if (classes.length > MAX_CLASSES) {
    return { labelsOf: () => undefined, note: `Labels are ignored: they have more than ${MAX_CLASSES} names.` };
  }
  const numbers = new Map(classes.map((one, i) => [one, i]));
  const labelsOf = ({ classes: own = [], labels }: File) => {
    const joined = own.map((one) => numbers.get(one) as number);
    return labels?.map((label) => (label < 0 ? -1 : joined[label]));
  };
  return { classes, labelsOf };
}
