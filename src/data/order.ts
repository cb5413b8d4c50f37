// Orders the images of a source before they are divided into splits.
import { randomStream } from "../random.js";
import { type Images, range } from "./pixels.js";

/**
 * Orders images at random, with a fixed seed, so that every part of the order has all classes in proportion.
 *
 * @param isStored whether to keep the stored order, unless the images are sorted by class
 */
export function orderImages({ count, labels }: Images, isStored: boolean): Uint32Array {
  if (isStored && !(labels && isSorted(labels))) return range(0, count);
  const order = randomStream(0, "split").permutation(count);
  return labels ? interleaveClasses(order, labels) : order;
}

/** Whether neighbours share a class far more often than in a random order. */
function isSorted(labels: Uint16Array): boolean {
  const counts = new Map<number, number>();
  let alike = 0;
  for (const [i, label] of labels.entries()) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    if (i > 0 && label === labels[i - 1]) alike++;
  }
  const expected = [...counts.values()].reduce((sum, count) => sum + (count / labels.length) ** 2, 0);
  return alike / (labels.length - 1) > (1 + expected) / 2;
}

/** Spreads the images of each class evenly: of n images, image k moves to a random position in [k / n, (k + 1) / n). */
function interleaveClasses(order: Uint32Array, labels: Uint16Array): Uint32Array {
  const jitter = randomStream(0, "split", 1).permutation(order.length);
  const counts = new Map<number, number>();
  const ranks = Array.from(order, (image) => {
    const rank = counts.get(labels[image]) ?? 0;
    counts.set(labels[image], rank + 1);
    return rank;
  });
  const place = Float64Array.from(order, (image, i) => {
    return (ranks[i] + jitter[i] / order.length) / (counts.get(labels[image]) as number);
  });
  return range(0, order.length)
    .sort((a, b) => place[a] - place[b] || a - b)
    .map((i) => order[i]);
}
