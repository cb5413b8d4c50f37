// The classes of a conditional model, and labels as one-hot rows. Data sets number classes freely, so names identify
// them.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { isRecord } from "../values/checker.js";
import { listSome, printable } from "../wording.js";

/** A class of a conditional model. */
export interface ModelClass {
  readonly name: string;
  /** The number of its training images. */
  readonly images: number;
}

/** Images that may have labels. */
export interface Labelled {
  readonly count: number;
  readonly labels?: Uint16Array | undefined;
  /** The names of the classes by label. Absent if the labels are the names. */
  readonly classes?: readonly string[] | undefined;
}

/** The most classes of a conditional model. */
const MAX_CLASSES = 1000;
/** The most characters in all names together, which are stored in config.json. */
const MAX_NAMES_LENGTH = 300_000;
const MAX_LISTED = 20;

const REMEDY = "Give a folder of images for each class, or arrays with labels: see docs/data.md.";

/** The name of a label's class. */
export function nameOfLabel({ classes }: Pick<Labelled, "classes">, label: number): string {
  return classes?.[label] ?? String(label);
}

/**
 * The classes of training images, in the order of their labels.
 *
 * @param dataset names the data in errors
 * @throws UserError if the images have no labels, or too many classes
 */
export function findClasses(train: Labelled, dataset: string): ModelClass[] {
  const { labels } = train;
  if (!labels) throw new UserError(`\`conditional\` needs labels, and the images of ${dataset} have none. ${REMEDY}`);
  const counts = new Map<string, number>();
  for (const label of labels.toSorted()) {
    const name = nameOfLabel(train, label);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size > MAX_CLASSES) {
    throw new UserError(
      `${dataset} has ${counts.size} classes, and \`conditional\` takes up to ${MAX_CLASSES}. ` +
        "Choose fewer with `classes`.",
    );
  }
  if ([...counts.keys()].join("").length > MAX_NAMES_LENGTH) {
    throw new UserError(
      `The names of the classes of ${dataset} have more than ${MAX_NAMES_LENGTH} characters. Give shorter ones.`,
    );
  }
  return Array.from(counts, ([name, images]) => ({ name, images }));
}

/** Whether a value from JSON is a valid list of a model's classes. */
export function areClasses(value: unknown): value is readonly ModelClass[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_CLASSES) return false;
  const isClass = (item: unknown) =>
    isRecord(item) && typeof item.name === "string" && Number.isSafeInteger(item.images) && Number(item.images) > 0;
  return value.every(isClass) && new Set(value.map(({ name }) => name)).size === value.length;
}

/** Lists the names of classes for a message. */
export function listClasses(classes: readonly ModelClass[]): string {
  return listSome(
    classes.map(({ name }) => name),
    MAX_LISTED,
  );
}

/** @param which names the images in errors. @throws UserError unless each image has one of the model's classes */
export function checkLabels(images: Labelled, classes: readonly ModelClass[], which = "These images"): void {
  const labels = images.labels?.subarray(0, images.count);
  if (!labels || labels.length < images.count) {
    throw new UserError(`${which} have no labels, and a conditional model needs the class of each. ${REMEDY}`);
  }
  const names = new Set(classes.map(({ name }) => name));
  const unknown = [...new Set(labels)].find((label) => !names.has(nameOfLabel(images, label)));
  if (unknown === undefined) return;
  throw new UserError(
    `${which} have the class ${printable(nameOfLabel(images, unknown))}, and the model was trained on ` +
      `${listClasses(classes)}. Choose images of these.`,
  );
}

/** Maps images, given by their numbers, to positions of their classes in a model's. Call `checkLabels` first. */
export function placesOf(images: Labelled, numbers: Uint32Array, classes: readonly ModelClass[]): Uint16Array {
  const places = new Map(classes.map(({ name }, place) => [name, place]));
  const { labels = [] } = images;
  return Uint16Array.from(numbers, (number) => {
    const place = places.get(nameOfLabel(images, labels[number]));
    if (place === undefined) throw new Error(`The model has no class for image ${number}`);
    return place;
  });
}

/** Encodes positions of classes as one-hot rows: `[places.length, K]`. */
export function oneHot(places: ArrayLike<number>, K: number): HostArray<Uint8Array> {
  const data = new Uint8Array(places.length * K);
  for (let i = 0; i < places.length; i++) data[i * K + places[i]] = 1;
  return { data, shape: [places.length, K] };
}
