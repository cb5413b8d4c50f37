// Probes: predict classes from latents, by nearest neighbours and by a linear classifier.
import { fitLogistic } from "./logistic.js";

/** Latents of images, count × Z, and their classes. */
export interface Labelled {
  readonly latents: Float32Array;
  readonly labels: Uint16Array;
}

/** Neighbours that vote. */
const K = 10;
/** More classes leave too few images for each. */
const MAX_CLASSES = 100;
const MAX_IMAGES = 10_000;
/** Multiplications for all pairs of images: a few seconds. */
const MAX_PAIR_NUMBERS = 3e9;
/** Multiplications in a step of the linear classifier: 0.2 s. */
const MAX_LINEAR_NUMBERS = 5e7;

/** The share of images classified correctly, and the number of training images used. */
export interface Accuracy {
  readonly accuracy: number;
  readonly trainingImages: number;
}

/** The maximum number of training images, and of evaluated images, that probes use. */
export function maxProbedImages(dimZ: number): number {
  return Math.min(MAX_IMAGES, Math.floor(Math.sqrt(MAX_PAIR_NUMBERS / dimZ)));
}

/** Whether probes support this number of classes: 2 to 100. */
export function areProbed(labels: Uint16Array): boolean {
  const { size } = new Set(labels);
  return size >= 2 && size <= MAX_CLASSES;
}

/**
 * Classifies by the k = 10 nearest training images (all, if fewer), by Euclidean distance of latents. Ties go to the
 * smallest class, as in scikit-learn.
 */
export function knnAccuracy(train: Labelled, test: Labelled, dimZ: number): Accuracy & { readonly k: number } {
  const k = Math.min(K, train.labels.length);
  const votes = new Uint16Array(65_536);
  const isFound = (label: number, row: number) => {
    const neighbours = nearest(train.latents, test.latents, row, dimZ, k).map((i) => train.labels[i]);
    for (const neighbour of neighbours) votes[neighbour]++;
    const best = neighbours.reduce((a, b) => (votes[b] > votes[a] || (votes[b] === votes[a] && b < a) ? b : a));
    for (const neighbour of neighbours) votes[neighbour] = 0;
    return best === label;
  };
  return { accuracy: shareOf(test.labels, isFound), k, trainingImages: train.labels.length };
}

/** The indices of the k rows of `among` nearest to a row of `latents`. */
function nearest(among: Float32Array, latents: Float32Array, row: number, dimZ: number, k: number): number[] {
  const numbers: number[] = [];
  const distances: number[] = []; // ascending
  for (let i = 0; i < among.length / dimZ; i++) {
    const most = distances.length < k ? Infinity : distances[k - 1];
    let distance = 0;
    for (let d = 0; d < dimZ && distance < most; d++) {
      distance += (among[i * dimZ + d] - latents[row * dimZ + d]) ** 2;
    }
    if (distance >= most) continue;
    let place = distances.length;
    while (place > 0 && distances[place - 1] > distance) place--;
    distances.splice(place, 0, distance);
    numbers.splice(place, 0, i);
    if (distances.length > k) {
      distances.pop();
      numbers.pop();
    }
  }
  return numbers;
}

/**
 * Classifies by logistic regression on latents, standardized by the training images' mean and standard deviation (Alain
 * & Bengio 2017). Uses fewer training images if there are many classes and dimensions.
 */
export function linearAccuracy(train: Labelled, test: Labelled, dimZ: number): Accuracy {
  const classes = [...new Set(train.labels)].sort((a, b) => a - b);
  const most = Math.max(1, Math.floor(MAX_LINEAR_NUMBERS / ((dimZ + 1) * classes.length)));
  const labels = train.labels.subarray(0, most);
  const standardize = standardizer(train.latents.subarray(0, labels.length * dimZ), dimZ);
  const numberOf = new Map(classes.map((label, number) => [label, number]));
  const targets = Uint16Array.from(labels, (label) => numberOf.get(label) as number);
  const rows = { data: standardize(train.latents.subarray(0, labels.length * dimZ)), width: dimZ };
  const logits = fitLogistic(rows, targets, classes.length);
  const latents = standardize(test.latents);
  const accuracy = shareOf(test.labels, (label, row) => classes[indexOfLargest(logits(latents, row))] === label);
  return { accuracy, trainingImages: labels.length };
}

function shareOf(labels: Uint16Array, isFound: (label: number, row: number) => boolean): number {
  let found = 0;
  for (const [row, label] of labels.entries()) if (isFound(label, row)) found++;
  return found / labels.length;
}

/** Standardizes latents by the mean and standard deviation of these rows, unless a dimension is constant. */
function standardizer(rows: Float32Array, dimZ: number): (latents: Float32Array) => Float64Array {
  const count = rows.length / dimZ;
  const [means, deviations] = [new Float64Array(dimZ), new Float64Array(dimZ)];
  for (let at = 0; at < rows.length; at++) means[at % dimZ] += rows[at] / count;
  for (let at = 0; at < rows.length; at++) deviations[at % dimZ] += (rows[at] - means[at % dimZ]) ** 2 / count;
  const scales = deviations.map((variance) => 1 / (Math.sqrt(variance) || 1));
  return (latents) => Float64Array.from(latents, (z, at) => (z - means[at % dimZ]) * scales[at % dimZ]);
}

function indexOfLargest(x: Float64Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
  return best;
}
