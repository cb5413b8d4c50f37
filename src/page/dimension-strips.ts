// Images that show the effect of each latent dimension: decoded along it, with the other dimensions as they are. Only
// the strips on the screen are decoded, after z has rested.
import { computed, effect, type Signal, signal } from "@preact/signals";
import { meanOf, type OpenModel } from "./model.js";
import { unpackBytes } from "./packed.js";

export const STRIP_IMAGES = 7;
/** Strips cover −3σ … 3σ. */
const SIGMAS = 3;
const REST_MS = 150;
/** Values of z in one call of the decoder, at most. */
const MAX_DECODED = 1024;

/** Where a dimension's slider and strip begin and end. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** [7, height, width, channels]: images along a dimension. */
export type Strip = Uint8Array;

export class DimensionStrips {
  /** By dimension. New weights change them, unless the prior decides. */
  readonly ranges;
  readonly strips: readonly Signal<Strip | undefined>[];
  readonly #visible = signal<ReadonlySet<number>>(new Set());
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDecoding = false;
  #isStale = false;

  constructor(readonly model: OpenModel) {
    this.ranges = computed(() => rangesOf(model));
    this.strips = Array.from({ length: model.info.dimZ }, () => signal<Strip | undefined>(undefined));
  }

  /** Follows z, the class and the weights, until the returned function is called. */
  start(): () => void {
    const stop = effect(() => {
      const { z, chosenClass, epoch } = this.model;
      [z.value, chosenClass.value, epoch.value, this.#visible.value];
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#decode(), REST_MS);
    });
    return () => {
      clearTimeout(this.#timer);
      stop();
    };
  }

  /** Tells whether a dimension's strip is on the screen. */
  setVisible(dimension: number, isVisible: boolean): void {
    const visible = new Set(this.#visible.value);
    if (isVisible) visible.add(dimension);
    else visible.delete(dimension);
    this.#visible.value = visible;
  }

  /** The value of z in the image at `index` of a strip. */
  valueAt(dimension: number, index: number): number {
    const { low, high } = this.ranges.value[dimension];
    return low + ((high - low) * index) / (STRIP_IMAGES - 1);
  }

  async #decode(): Promise<void> {
    if (this.#isDecoding) {
      this.#isStale = true;
      return;
    }
    this.#isDecoding = true;
    const dimensions = [...this.#visible.value];
    const perCall = Math.floor(MAX_DECODED / STRIP_IMAGES);
    try {
      for (let at = 0; at < dimensions.length; at += perCall) await this.#decodeFew(dimensions.slice(at, at + perCall));
    } catch {
      // The page shows the problem of the call, and the strips stay as they are.
    }
    this.#isDecoding = false;
    if (this.#isStale) {
      this.#isStale = false;
      this.#decode();
    }
  }

  async #decodeFew(dimensions: readonly number[]): Promise<void> {
    const z = this.model.z.value;
    const places = new Float32Array(dimensions.length * STRIP_IMAGES * z.length);
    dimensions.forEach((dimension, i) => {
      for (let image = 0; image < STRIP_IMAGES; image++) {
        const start = (i * STRIP_IMAGES + image) * z.length;
        places.set(z, start);
        places[start + dimension] = this.valueAt(dimension, image);
      }
    });
    const images = unpackBytes(await this.model.decode(places));
    const length = images.length / dimensions.length;
    dimensions.forEach((dimension, i) => {
      this.strips[dimension].value = images.subarray(i * length, (i + 1) * length);
    });
  }
}

/** −3 … 3 with a standard normal prior, else three deviations of the posterior means around their mean. */
function rangesOf({ info, latents }: OpenModel): Range[] {
  if (info.hasNormalPrior) return Array.from({ length: info.dimZ }, () => ({ low: -SIGMAS, high: SIGMAS }));
  const middles = meanOf(latents.value);
  return latents.value.variances.map((variance, d) => {
    const reach = SIGMAS * (Math.sqrt(variance) || 1);
    return { low: middles[d] - reach, high: middles[d] + reach };
  });
}

/** The place in the middle of all ranges: the mean of the prior, or of the posterior means. */
export function middleOf(ranges: readonly Range[]): Float32Array {
  return Float32Array.from(ranges, ({ low, high }) => (low + high) / 2);
}
