// A model in the page: what the server says about it, and the place, image and class that the views share.
import { computed, effect, type Signal, signal } from "@preact/signals";
import type { Latents, ModelCalls, ModelInfo, PackedArray } from "../explore/protocol.js";
import { callModel, latestOnly } from "./client.js";
import { packFloats, unpackFloats } from "./packed.js";

/** Test images shown as points. */
export const MAX_POINTS = 10_000;

export class OpenModel {
  /** [Z], shown by the decoder in every view. Replace the array to change it. */
  readonly z: Signal<Float32Array>;
  /** Index of the selected test image. */
  readonly selected = signal<number | undefined>(undefined);
  /** Class to decode, of a conditional model. */
  readonly chosenClass: Signal<string | undefined>;
  readonly latents: Signal<Latents>;
  /** The epoch of the weights, which change while the run trains. */
  readonly epoch = computed(() => this.latents.value.epoch);
  /** The image that the decoder shows of z: the last one until the next arrives. */
  readonly decoded = signal<PackedArray | undefined>(undefined);
  /** Why calls failed, until the same call succeeds. */
  readonly #problems = signal<ReadonlyMap<keyof ModelCalls, string>>(new Map());
  readonly problem = computed(() => [...this.#problems.value.values()].at(-1));

  private constructor(
    readonly info: ModelInfo,
    latents: Latents,
  ) {
    this.latents = signal(latents);
    this.z = signal(info.hasNormalPrior ? new Float32Array(info.dimZ) : meanOf(latents));
    this.chosenClass = signal(info.classes?.[0]);
    this.decodeAlways();
  }

  static async open(run: string): Promise<OpenModel> {
    const info = await callModel(run, "info", {});
    return new OpenModel(info, await callModel(run, "latents", { count: MAX_POINTS }));
  }

  /** Reads the latents again, after the weights changed. */
  async reload(): Promise<void> {
    this.latents.value = await this.call("latents", { count: MAX_POINTS });
  }

  /** Keeps `decoded` up to date with z, the class and the weights. */
  private decodeAlways(): void {
    const decode = latestOnly(async (z: Float32Array) => {
      const decoded = await this.decode(z).catch(() => undefined);
      if (decoded) this.decoded.value = decoded;
    });
    effect(() => {
      this.epoch.value;
      this.chosenClass.value;
      decode(this.z.value);
    });
  }

  /** Dimensions by KL, the largest first; by variance of the means if there is no KL of each. */
  readonly order = computed(() => {
    const { klPerDimension, variances } = this.latents.value;
    const size = klPerDimension ?? variances;
    return size.map((_, dimension) => dimension).sort((a, b) => size[b] - size[a]);
  });

  /** @throws Error with the server's message, which the page shows too */
  async call<Call extends keyof ModelCalls>(
    call: Call,
    given: Parameters<ModelCalls[Call]>[0],
  ): Promise<ReturnType<ModelCalls[Call]>> {
    try {
      const result = await callModel(this.info.run, call, given);
      this.report(call, undefined);
      return result;
    } catch (error) {
      this.report(call, (error as Error).message);
      throw error;
    }
  }

  private report(call: keyof ModelCalls, problem: string | undefined): void {
    const others = [...this.#problems.value].filter(([other]) => other !== call);
    if (problem === undefined && others.length === this.#problems.value.size) return;
    this.#problems.value = new Map([...others, ...(problem === undefined ? [] : [[call, problem] as const])]);
  }

  /** Decodes z, [N, Z]. → [N, height, width, channels] bytes */
  decode(z: Float32Array, ofClass = this.chosenClass.value): Promise<PackedArray> {
    const { dimZ } = this.info;
    const packed = packFloats(z, [z.length / dimZ, dimZ]);
    return this.call("decode", { z: packed, ...(ofClass !== undefined && { class: ofClass }) });
  }
}

/** Titles of the posterior of an image, its mean, and the means of several. A plain autoencoder has no posterior. */
export function latentTitles({ info }: OpenModel) {
  return info.isDrawn
    ? { posterior: "Posterior", mean: "Posterior mean", means: "Posterior means" }
    : { posterior: "Latents", mean: "Latents", means: "Latents" };
}

/** The mean of the posterior means, [Z]: a place that the decoder knows, if the prior is not around 0. */
export function meanOf({ means }: Latents): Float32Array {
  const [count, dimZ] = means.shape;
  const mean = new Float64Array(dimZ);
  unpackFloats(means).forEach((value, i) => {
    mean[i % dimZ] += value / count;
  });
  return Float32Array.from(mean);
}
