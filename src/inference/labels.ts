// Labels of images, latents and samples for conditional models, chosen by class names.
import { listOf, maybe } from "../arguments.js";
import { listClasses, type ModelClass, oneHot } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import type { Checker } from "../values/checker.js";
import { describeValue } from "../wording.js";

/** The name of a class. A number means its text: 7 is "7". */
export type ClassName = string | number;

/** For conditional models only. */
export interface ClassOption {
  /** The class of all rows. */
  readonly class?: ClassName | undefined;
}

/** For conditional models only. Excludes `class` together with `labels`. */
export interface LabelOptions extends ClassOption {
  /** The class of each row. */
  readonly labels?: readonly ClassName[] | undefined;
}

export const CLASS: Checker<ClassName> = {
  check(value) {
    if (typeof value === "string" || Number.isSafeInteger(value)) return value as ClassName;
    throw new UserError("It must be the name of a class.");
  },
};
export const CLASS_OPTION = { class: maybe(CLASS) };
export const LABEL_OPTIONS = { ...CLASS_OPTION, labels: maybe(listOf(CLASS)) };

/** A model's classes; undefined if it is not conditional. */
export type Classes = readonly ModelClass[] | undefined;

/** Returns labels [count, K] for rows `first` to `first + count − 1`: one-hot, or mixtures of classes. */
export type LabelRows = (first: number, count: number) => HostArray;

/** The error for labels given to a model that is not conditional. */
export function noLabels(): UserError {
  return new UserError("This model is not conditional. Train one with `conditional`.");
}

/** The index of a class among a model's. @throws UserError if none has this name */
export function placeOfClass(classes: Classes, name: ClassName): number {
  if (!classes) throw noLabels();
  const text = String(name).normalize("NFC");
  const place = classes.findIndex((one) => one.name === text);
  if (place >= 0) return place;
  throw new UserError(`This model has no class ${describeValue(name)}. It has ${listClasses(classes)}.`);
}

/** The class index of each row; undefined if no option is given. @throws UserError if an option is invalid */
function chosenIndices(classes: Classes, options: LabelOptions, count: number): Uint16Array | undefined {
  const { class: one, labels } = options;
  if (one === undefined && labels === undefined) return undefined;
  if (one !== undefined && labels !== undefined) throw new UserError("Give `class` or `labels`, not both.");
  if (one !== undefined) return new Uint16Array(count).fill(placeOfClass(classes, one));
  const names = labels as readonly ClassName[];
  if (names.length !== count)
    throw new UserError(`There are ${names.length} \`labels\` for ${count} rows. Give one each.`);
  const places = new Map<ClassName, number>();
  for (const name of new Set(names)) places.set(name, placeOfClass(classes, name));
  return Uint16Array.from(names, (name) => places.get(name) as number);
}

/** Images with the given labels or, by default, their own. @throws UserError if needed labels are missing */
export function labelImages<Set extends ImageSet>(set: Set, classes: Classes, options: LabelOptions): Set {
  const labels = chosenIndices(classes, options, set.count);
  if (labels && classes) return { ...set, labels, classes: classes.map(({ name }) => name) };
  if (classes && !set.labels) throw needsClass(classes, "the images");
  return set;
}

/** The given labels of `count` rows. @param what names the rows @throws UserError if needed labels are missing */
export function chooseLabels(
  classes: Classes,
  options: LabelOptions,
  count: number,
  what: string,
): LabelRows | undefined {
  const places = chosenIndices(classes, options, count);
  if (classes && !places) throw needsClass(classes, what);
  return classes && places && rowsOfPlaces(places, classes);
}

/** One-hot labels of rows, from their class indices. */
export function rowsOfPlaces(places: Uint16Array, classes: readonly ModelClass[]): LabelRows {
  return (first, count) => oneHot(places.subarray(first, first + count), classes.length);
}

/** Labels with the same class in all rows. */
export function rowsOfClass(place: number, classes: readonly ModelClass[]): LabelRows {
  return (_, count) => oneHot(new Uint16Array(count).fill(place), classes.length);
}

/** The error for a missing class. @param what names the rows without class */
export function needsClass(classes: readonly ModelClass[], what: string): UserError {
  return new UserError(`A conditional model needs the class of ${what}. Give \`class\`: ${listClasses(classes)}.`);
}

/**
 * The labels of a seed's samples: the named class, or one drawn for each sample. Undefined without classes.
 *
 * @throws UserError if no class has this name
 */
export function labelsOfSamples(classes: Classes, seed: number, name?: ClassName): LabelRows | undefined {
  const place = name === undefined ? undefined : placeOfClass(classes, name);
  if (!classes) return undefined;
  if (place !== undefined) return rowsOfClass(place, classes);
  return (first, count) => {
    const places = Array.from({ length: count }, (_, i) => drawPlace(classes, seed, first + i));
    return oneHot(places, classes.length);
  };
}

/** The class index of sample i of a seed, drawn in proportion to the classes' numbers of training images. */
export function drawPlace(classes: readonly ModelClass[], seed: number, i: number): number {
  const [word] = randomStream(seed, "class", i).fillWords(new Uint32Array(1));
  const total = classes.reduce((sum, { images }) => sum + images, 0);
  let left = (word / 2 ** 32) * total;
  return classes.findIndex(({ images }) => {
    left -= images;
    return left < 0;
  });
}
