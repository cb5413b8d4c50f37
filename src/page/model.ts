// A model in the page: what the server says about it, and the place, image and class that the views share.
import { computed, type Signal, signal } from "@preact/signals";
import type { Latents, ModelCalls, ModelInfo, PackedArray } from "../explore/protocol.js";
import { callModel } from "./client.js";
import { packFloats } from "./packed.js";

/** Test images shown as points. */
export const MAX_POINTS = 10_000;

export class OpenModel {
  /** [Z], shown by the decoder in every view. */
  readonly z: Signal<Float32Array>;
  /** Index of the selected test image. */
  readonly selected = signal<number | undefined>(undefined);
  /** Class to decode, of a conditional model. */
  readonly chosenClass: Signal<string | undefined>;
  readonly latents: Signal<Latents>;

  private constructor(
    readonly info: ModelInfo,
    latents: Latents,
  ) {
    this.latents = signal(latents);
    this.z = signal(new Float32Array(info.dimZ));
    this.chosenClass = signal(info.classes?.[0]);
  }

  static async open(run: string): Promise<OpenModel> {
    const info = await callModel(run, "info", {});
    return new OpenModel(info, await callModel(run, "latents", { count: MAX_POINTS }));
  }

  /** Dimensions by KL, the largest first; by variance of the means if there is no KL of each. */
  readonly order = computed(() => {
    const { klPerDimension, variances } = this.latents.value;
    const size = klPerDimension ?? variances;
    return size.map((_, dimension) => dimension).sort((a, b) => size[b] - size[a]);
  });

  call<Call extends keyof ModelCalls>(
    call: Call,
    given: Parameters<ModelCalls[Call]>[0],
  ): Promise<ReturnType<ModelCalls[Call]>> {
    return callModel(this.info.run, call, given);
  }

  /** Decodes z, [N, Z]. → [N, height, width, channels] bytes */
  decode(z: Float32Array, ofClass = this.chosenClass.value): Promise<PackedArray> {
    const { dimZ } = this.info;
    const packed = packFloats(z, [z.length / dimZ, dimZ]);
    return this.call("decode", { z: packed, ...(ofClass !== undefined && { class: ofClass }) });
  }
}
