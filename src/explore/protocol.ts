// Messages between the explorer's page and its server, as JSON. The page imports only these types.
import type { Bounds } from "../model/bounds.js";

/** An array: little-endian values in base64. Images are [N, height, width, channels]. */
export interface PackedArray {
  readonly dtype: "uint8" | "float32";
  readonly shape: readonly number[];
  readonly base64: string;
}

/** A run in the list. */
export interface RunSummary {
  /** The run's folder, which identifies it in requests. */
  readonly run: string;
  readonly created: string;
  readonly state: "finished" | "in use" | "stopped";
  readonly epochs: number;
  /** Whether it has weights, so that it can be explored. */
  readonly hasModel: boolean;
  /** Settings that differ from the defaults, as "name=value". */
  readonly settings: readonly string[];
  readonly dataset: string;
  /** Of the best epoch, nats per image. */
  readonly validation?: Bounds;
  readonly test?: Bounds;
}

/** `GET runs` */
export interface RunList {
  readonly runs: readonly RunSummary[];
  readonly unreadable: readonly { readonly run: string; readonly problem: string }[];
  /** The run to open first. */
  readonly chosen?: string;
}

export interface ModelInfo {
  readonly run: string;
  /** The epoch of the weights. */
  readonly epoch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Z: the number of latent dimensions that the decoder reads. */
  readonly dimZ: number;
  /** False for a plain autoencoder, which has no KL term and no prior. */
  readonly isDrawn: boolean;
  /** Whether the prior is N(0, 1), so that its circles can be drawn. */
  readonly hasNormalPrior: boolean;
  /** The names of the classes, of a conditional model. */
  readonly classes?: readonly string[];
  /** The noise of a denoiser's training. */
  readonly noise: { readonly kind: string; readonly strength: number } | null;
  /** Image pairs: the encoder reads given corrupted images. */
  readonly hasInputs: boolean;
  readonly testImages: number;
  /** The title of the negated objective, such as −ELBO or −L50, and the kind of pixels, as the commands print them. */
  readonly objective: string;
  readonly pixels: string;
  readonly settings: readonly string[];
  /** The command that repeats the training. */
  readonly command: string;
}

/** Posteriors of the first N test images. */
export interface Latents {
  /** The epoch of the weights that encoded the images. */
  readonly epoch: number;
  /** [N, Z] float32. */
  readonly means: PackedArray;
  /** [N] uint8 or float32: indices into `classes`. */
  readonly labels?: PackedArray;
  /** The names of the labels. */
  readonly classes?: readonly string[];
  /** KL(q(z_d|x) ‖ p(z_d)) of each dimension, mean over the images, nats. Absent without a closed form. */
  readonly klPerDimension?: readonly number[];
  /** Variance of the means of each dimension. */
  readonly variances: readonly number[];
  /** The first two principal components, if Z > 2: z = origin + u · axes[0] + v · axes[1]. */
  readonly components?: {
    /** [Z] float32. */
    readonly origin: PackedArray;
    /** [2, Z] float32, orthonormal. */
    readonly axes: PackedArray;
    /** Shares of the variance. */
    readonly explained: readonly [number, number];
  };
}

/** What the model computes from one image. Nats; images are uint8 [height, width, channels]. */
export interface Inference {
  /** The target of the reconstruction. */
  readonly original: PackedArray;
  /** The encoder's input, if it differs: noisy, or of an image pair. */
  readonly input?: PackedArray;
  /** Decoded from the posterior mean. */
  readonly reconstruction: PackedArray;
  /** [Z] float32 */
  readonly mean: PackedArray;
  /** [Z] float32, if the posterior is Gaussian. */
  readonly sigma?: PackedArray;
  /** [Z] float32 */
  readonly klPerDimension?: PackedArray;
  /** With one draw of z. For a plain autoencoder, kl is 0. */
  readonly bounds: { readonly elbo: number; readonly reconstruction: number; readonly kl: number };
  /** Name of the class, of a labelled test image. */
  readonly label?: string;
}

/**
 * `POST model`, with body `{ run, call, ... }`. `class` is the name of a class, which a conditional model needs.
 * Errors are `{ error: string }` with status 400 (mistake), 404 (no such run) or 500.
 */
export interface ModelCalls {
  info(given: Record<never, never>): ModelInfo;
  /** At most `count` test images, the first ones. */
  latents(given: { readonly count: number }): Latents;
  /** z: [N, Z] float32, N ≤ 1,024. → images [N, height, width, channels] uint8 */
  decode(given: { readonly z: PackedArray; readonly class?: string }): PackedArray;
  /** One draw from the prior: z [Z] float32. For a plain autoencoder, from N(0, 1). */
  draw(given: { readonly seed: number }): PackedArray;
  /** image: [height, width, channels] uint8. `noise`: the strength, with the noise kind of the training. */
  infer(given: { readonly image: PackedArray; readonly noise?: number; readonly class?: string }): Inference;
  /** A test image, seen without noise. */
  inferTest(given: { readonly index: number }): Inference;
  /** Test images by index, at most 1,024. → [N, height, width, channels] uint8 */
  testImages(given: { readonly indices: readonly number[] }): PackedArray;
  /** Decodes an image file (PNG, JPEG, …) and fits it to the model's size. → [height, width, channels] uint8 */
  openFile(given: { readonly base64: string }): PackedArray;
}

/** Nats per image; null where a number is not finite, or was not written. */
export type EpochTerms = { readonly [Term in keyof Bounds]: number | null };

/** A finished epoch. Older versions wrote fewer fields. */
export interface EpochSummary {
  readonly epoch: number;
  readonly train?: EpochTerms;
  readonly validation: EpochTerms;
  readonly isBest: boolean;
  readonly imagesPerSecond?: number;
  /** Since the training began, without interruptions. */
  readonly seconds?: number;
}

/** `GET events?run=…`: server-sent events. The first `progress` comes at once, and `weights` if there is a model. */
export interface RunEvents {
  /** After an epoch, and when the training starts or ends. */
  progress: {
    readonly state: RunSummary["state"];
    readonly epochs: readonly EpochSummary[];
    /** As in ModelInfo, for runs without weights. */
    readonly objective: string;
    /** The epochs requested. */
    readonly planned: number;
    /** Pictures of epochs in the run, such as samples/001.png: `GET picture?run=…&name=…`. */
    readonly pictures: readonly string[];
  };
  /**
   * The epoch of the present weights, when the stream begins and after each change. If it differs from that of the
   * latents, reload them: weights saved while an EventSource reconnects cause no other event.
   */
  weights: { readonly epoch: number };
}
