// Joins the classes of Parquet files, each of which has numbers and names of its own.
import { UserError } from "../../errors.js";
import { MAX_CLASSES, type ParquetLabels } from "./labels.js";

interface LabelledFile extends ParquetLabels {
  readonly file: string;
}

interface JoinedClasses<File> {
  readonly classes?: readonly string[] | undefined;
  /** The class of each image of a file among `classes`, -1 where it is missing. Undefined if it has no labels. */
  readonly labelsOf: (file: File) => Int32Array | undefined;
  readonly note?: string | undefined;
}

/**
 * Joins the classes of files by their names: those of metadata in the order of the files, then texts, sorted. Numbers
 * without names keep their meaning if all files with names have the same.
 *
 * @throws UserError if only some files have names, and it is not known which numbers have which names
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
      `${file} has names of classes, and ${other.file} numbers that do not tell the name. ` +
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
