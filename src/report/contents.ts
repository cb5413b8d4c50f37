// The data of a report's script, as JSON. The page imports only these types.
import type { PackedArray } from "../explore/protocol.js";
import type { Bounds } from "../model/bounds.js";
import type { ActivationName } from "../model/layers.js";

export interface ReportContents {
  readonly curves?: CurvesContents;
  readonly plane?: PlaneContents;
}

export interface CurvesContents {
  /** A panel for each term. `isNegated`: shown with the opposite sign. */
  readonly panels: readonly { readonly term: keyof Bounds; readonly title: string; readonly isNegated?: true }[];
  /** Nats per image; null where a number is not finite, or was not written. */
  readonly epochs: readonly {
    readonly epoch: number;
    readonly train: Terms;
    readonly validation: Terms;
  }[];
  /** The epoch of the weights. */
  readonly best?: number;
}

export type Terms = { readonly [term in keyof Bounds]: number | null };

/** Test images in a plane of the latent space, and the decoder, if it is small and dense. */
export interface PlaneContents {
  /** [N] float32. */
  readonly x: PackedArray;
  readonly y: PackedArray;
  /** [N] uint8 or float32: indices into `classes`. */
  readonly labels?: PackedArray;
  readonly classes?: readonly string[];
  /** Shares of the variance of the principal components, if the plane is theirs. */
  readonly explained?: readonly number[];
  /** The place of z = 0, if the prior is N(0, I). */
  readonly prior?: readonly [x: number, y: number];
  readonly decoder?: DecoderContents;
  /** z = origin + x · axes[0] + y · axes[1]: [Z] each. One axis if Z is 1. */
  readonly origin: readonly number[];
  readonly axes: readonly (readonly number[])[];
}

/** A decoder of fully connected layers. */
export interface DecoderContents {
  readonly layers: readonly {
    readonly inputs: number;
    readonly units: number;
    readonly activation?: ActivationName;
  }[];
  /** The function from the last layer's outputs to means of pixels. */
  readonly mean: ActivationName;
  /** float32 of all layers in order: weight [inputs, units], then bias [units]. */
  readonly weights: PackedArray;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The names of the classes, of a conditional model: inputs after z. */
  readonly classes?: readonly string[];
}
