// The classes that callers choose of a conditional model, by name: of images, latents and samples.
import { listOf, maybe } from "../arguments.js";
import type { Checker } from "../config/entries.js";
import { listClasses, type ModelClass, oneHot } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import { describeValue } from "../wording.js";

/** The name of a class. Numbers stand for their text: 7 for "7". */
export type ClassName = string | number;

/** Of a conditional model alone. */
export interface ClassOption {
  /** The class of all. */
  readonly class?: ClassName | undefined;
}

/** Of a conditional model alone: one of both. */
export interface LabelOptions extends ClassOption {
  /** The class of each. */
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

/** A model's classes; undefined without labels. */
export type Classes = readonly ModelClass[] | undefined;

/** One-hot rows, or mixtures of them, for rows `first` to `first + count − 1` of a batch: [count, K]. */
export type LabelRows = (first: number, count: number) => HostArray;

/** For models that are not conditional. */
export function noLabels(): UserError {
  return new UserError("This model has no labels. Train one with `conditional`.");
}

/** The place of a class among a model's. @throws UserError if there is none of this name */
export function placeOfClass(classes: Classes, name: ClassName): number {
  if (!classes) throw noLabels();
  const wanted = String(name).normalize("NFC");
  const place = classes.findIndex((one) => one.name === wanted);
  if (place >= 0) return place;
  throw new UserError(`This model has no class ${describeValue(name)}. It has ${listClasses(classes)}.`);
}

/** The places of the chosen classes of `count` rows, or undefined if no option is given. @throws UserError */
function chosenPlaces(classes: Classes, options: LabelOptions, count: number): Uint16Array | undefined {
  const { class: one, labels } = options;
  if (one === undefined && labels === undefined) return undefined;
  if (one !== undefined && labels !== undefined) throw new UserError("Give `class` or `labels`, not both.");
  if (one !== undefined) return new Uint16Array(count).fill(placeOfClass(classes, one));
  const names = labels as readonly ClassName[];
  if (names.length !== count) throw new UserError(`There are ${names.length} \`labels\` for ${count} rows.`);
  const places = new Map<ClassName, number>();
  for (const name of new Set(names)) places.set(name, placeOfClass(classes, name));
  return Uint16Array.from(names, (name) => places.get(name) as number);
}

/** Images with the chosen labels, or with their own. @throws UserError if the model needs labels, and there are none */
export function labelImages<Set extends ImageSet>(set: Set, classes: Classes, options: LabelOptions): Set {
  const labels = chosenPlaces(classes, options, set.count);
  if (labels && classes) return { ...set, labels, classes: classes.map(({ name }) => name) };
  if (classes && !set.labels) throw needsClass(classes, "the images");
  return set;
}

/** The chosen labels of `count` rows. @throws UserError if the model needs them, and none are given */
export function chooseLabels(
  classes: Classes,
  options: LabelOptions,
  count: number,
  what: string,
): LabelRows | undefined {
  const places = chosenPlaces(classes, options, count);
  if (classes && !places) throw needsClass(classes, what);
  return classes && places && rowsOfPlaces(places, classes);
}

export function rowsOfPlaces(places: Uint16Array, classes: readonly ModelClass[]): LabelRows {
  return (first, count) => oneHot(places.subarray(first, first + count), classes.length);
}

/** The same class in all rows. */
export function rowsOfClass(place: number, classes: readonly ModelClass[]): LabelRows {
  return (_, count) => oneHot(new Uint16Array(count).fill(place), classes.length);
}

/** @param what has no class */
export function needsClass(classes: readonly ModelClass[], what: string): UserError {
  return new UserError(`A conditional model needs the class of ${what}. Give \`class\`: ${listClasses(classes)}.`);
}

/**
 * The labels of samples of a seed, by their numbers: all of one class, or drawn for each. Undefined without classes.
 *
 * @throws UserError if there is no such class
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

/** The place of the class of sample number i of a seed: drawn by the shares of the classes among training images. */
export function drawPlace(classes: readonly ModelClass[], seed: number, i: number): number {
  const [word] = randomStream(seed, "class", i).fillWords(new Uint32Array(1));
  const total = classes.reduce((sum, { images }) => sum + images, 0);
  let left = (word / 2 ** 32) * total;
  return classes.findIndex(({ images }) => {
    left -= images;
    return left < 0;
  });
}
