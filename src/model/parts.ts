// The parts of a variational autoencoder and how they fit together (Kingma & Welling 2014).
// Shapes: B images in a batch, D numbers in an image, K classes, L draws of z for an image, Z latent dimensions.
import { checkValue, type ValuesOf } from "../config/entries.js";
import type { ImageShape } from "../data/pixels.js";
import { tf } from "../engine/compiled/tf.js";
import { UserError } from "../errors.js";
import { ASSEMBLY, LAYER_SPECS } from "./checks.js";
import { type Layer, outputsOf } from "./layers.js";
import { type Context, type Init, joinSpecs, NO_SPECS, type Specs } from "./specs.js";

/** What a model is built for. */
export interface ModelInput extends ImageShape {
  /** The number of classes K of a conditional model; 0 or absent without labels. */
  readonly classes?: number | undefined;
}

/** The sizes of a model's parts. */
export interface Sizes extends ImageShape {
  readonly classes: number;
  readonly dimZ: number;
  /** D = height · width · channels */
  readonly pixels: number;
}

/** q(z|x) for a batch of images. */
export interface Posterior {
  /** [B, Z]: where the image lies in the latent space. Of a posterior that is no Gaussian, z without noise: ε = 0. */
  readonly mean: tf.Tensor;
  /** [B, Z]: standard deviations of a Gaussian posterior; absent if it is another, or a point. */
  readonly sigma?: tf.Tensor;
  /** Draws z by the draws of phase `posterior`: [B, L, Z]. */
  sample(): tf.Tensor;
  /**
   * log p(z) − log q(z|x) of the z that `sample` gave: [B, L] nats.
   *
   * @param isPath no gradient flows to the parameters of q, only to z
   */
  logRatio(z: tf.Tensor, prior: Prior, isPath?: boolean): tf.Tensor;
  /**
   * KL(q(z|x) ‖ p(z)) in closed form: [B, G] nats for G groups of latent dimensions that are independent in both.
   * Undefined if there is none for this prior: it is then estimated from draws.
   */
  kl(prior: Prior): tf.Tensor | undefined;
}

/** p(z). */
export interface Prior {
  /** Posteriors choose closed forms by it. */
  readonly family: string;
  /** [B, L, Z] to [B, L] nats. */
  logProb(z: tf.Tensor): tf.Tensor;
  /** Draws z by the draws of phase `prior`: [N, Z]. */
  sample(): tf.Tensor;
}

/** p(x|z) for N = B·L values of z. */
export interface Likelihood {
  /** [N, D], 0 to 1: what pictures show. */
  mean(): tf.Tensor;
  /** @param x [B, D], 0 to 1 @returns [B, L] nats */
  logProb(x: tf.Tensor): tf.Tensor;
}

/** The terms of objectives. */
export interface Terms {
  /** log p(x|z): [B, L] nats. */
  readonly logLikelihood: tf.Tensor;
  /** Its mean over the draws: [B] nats. */
  readonly reconstruction: tf.Tensor;
  /** KL(q(z|x) ‖ p(z)): [B] nats. */
  readonly kl: tf.Tensor;
  /** The same for G groups of latent dimensions that are independent in both: [B, G] nats. */
  readonly klGroups: tf.Tensor;
  /** log p(z) − log q(z|x): [B, L] nats. */
  logRatio(): tf.Tensor;
  /** The draws: [B, L, Z]. */
  readonly z: tf.Tensor;
  readonly posterior: Posterior;
  readonly prior: Prior;
  /** Of an objective with `isPath`: multiplies the gradient of each draw z by its share, [B, L]. */
  weighDraws(shares: tf.Tensor): void;
}

/** What training maximizes. */
export interface Objective {
  /** L, the draws of z for each image. */
  readonly draws: number;
  /** Whether gradients leave out the score of q(z|x), so that they flow through the draws only (Roeder et al. 2017). */
  readonly isPath?: boolean;
  /**
   * Of an objective that compares the images of a batch: numbers in memory for each pair. It is trained on batches of
   * two or more, and evaluated on batches of the same size, on which the comparison depends.
   */
  readonly numbersPerPair?: number | undefined;
  /** Whether it averages over the images of a batch: like one that compares them, it needs the batch in one process. */
  readonly averagesImages?: boolean | undefined;
  /** Draws of its own, of phase `posterior`. */
  readonly specs?: Specs;
  /** @param klWeight β, or what its warm-up has reached @param context its own @returns [B] nats */
  value(terms: Terms, klWeight: number | tf.Tensor, context: Context): tf.Tensor;
}

/** A model: pure functions of tensors, and their specs. */
export interface Parts {
  readonly dimZ: number;
  /** K of a conditional model (Sohn et al. 2015), whose functions get labels y; 0 or absent without labels. */
  readonly classes?: number | undefined;
  readonly specs: Specs;
  readonly objective: Objective;
  /** The weight β of the KL term (Higgins et al. 2017). */
  readonly beta: number;
  readonly likelihood: Pick<LikelihoodFamily, "name" | "support">;
  /** Numbers in memory for each draw of z besides those of the networks, if they are many. */
  readonly numbersPerDraw?: number | undefined;
  /** Outputs of the layers: of the encoder for an image, of the decoder for a draw of z. */
  readonly layerOutputs?: { readonly encoder: number; readonly decoder: number } | undefined;
  /** Whether the prior is N(0, I), as pictures show it. */
  readonly hasNormalPrior?: boolean | undefined;
  /** @param x [B, D], 0 to 1, or beyond if it is noisy @param y one-hot labels [B, K] of a conditional model */
  encode(context: Context, x: tf.Tensor, y?: tf.Tensor): Posterior;
  prior(context: Context): Prior;
  /** @param z [N, Z] @param y one-hot labels [N, K] of a conditional model */
  decode(context: Context, z: tf.Tensor, y?: tf.Tensor): Likelihood;
}

export interface PosteriorFamily {
  readonly dimZ: number;
  /** Whether `logRatio` knows `isPath`. */
  readonly hasPath?: boolean;
  /** Outputs of the encoder for an image. */
  readonly inputs: number;
  readonly specs: Specs;
  /** @param outputs [B, inputs] */
  build(context: Context, outputs: tf.Tensor): Posterior;
}

export interface PriorFamily {
  readonly dimZ: number;
  /** Numbers in memory for each draw of z, if they are many. */
  readonly numbersPerDraw?: number | undefined;
  /** Whether it is N(0, I). */
  readonly isStandardNormal?: boolean | undefined;
  readonly specs: Specs;
  /** @param encode images [N, D], 0 to 1, to their posteriors, without draws */
  build(context: Context, encode: (x: tf.Tensor) => Posterior): Prior;
}

export interface LikelihoodFamily {
  readonly name: string;
  /**
   * The values of a pixel whose probability `logProb` is: black and white, or the 256 bytes. A density has real values.
   */
  readonly support: "binary" | "bytes" | "real";
  /** Outputs of the decoder for an image. */
  readonly inputs: number;
  readonly specs: Specs;
  /** @param outputs of the decoder: [N, inputs] */
  build(context: Context, outputs: tf.Tensor): Likelihood;
}

/** A part that a setting chooses. Its functions get the values of its own settings. */
export interface Part<Settings, Built> {
  /** For the help of the setting that chooses it. */
  readonly help: string;
  readonly settings: Settings;
  readonly build: (own: ValuesOf<Settings>, sizes: Sizes) => Built;
}

export function part<Settings extends object, Built>(definition: Part<Settings, Built>): Part<Settings, Built> {
  return definition;
}

export function likelihood<Settings extends object>(
  definition: Part<Settings, LikelihoodFamily> & {
    /** For descriptions of pixels: ", normal with deviation 0.1". */
    readonly suffix: (own: ValuesOf<Settings>) => string;
    /** The largest −log p(x) of a pixel whose mean is 0.5: nats. */
    readonly greyNats: (own: ValuesOf<Settings>) => number;
  },
) {
  return definition;
}

/** Declares networks. `weight` are the first weights of all layers. */
export function network<Settings extends object>(
  definition: Omit<Part<Settings, Networks>, "build"> & {
    /** The setting that makes them smaller. */
    readonly width: keyof Settings & string;
    readonly build: (own: ValuesOf<Settings>, sizes: Sizes & { readonly weight: Init }) => Networks;
  },
) {
  return definition;
}

/** Declares an objective. `label` names its values. */
export function objective<Settings extends object>(
  definition: Part<Settings, Objective> & {
    readonly label: (own: ValuesOf<Settings>) => string;
    /** Whether it has `numbersPerPair`. */
    readonly comparesImages?: true;
  },
) {
  return definition;
}

/** The layers of both networks. They have draws of phase `training` only. */
export interface Networks {
  /** [B, D], or [B, D + K] with labels, to [B, outputs]. */
  encoder(outputs: number): Layer;
  /** [N, Z], or [N, Z + K] with labels, to [N, outputs]. @param bias first bias of the output */
  decoder(outputs: number, bias: Init): Layer;
}

/** The pieces of a model. The layers of both networks may have draws of phase `training` only. */
export interface Assembly extends Pick<Parts, "dimZ" | "objective" | "beta"> {
  readonly pixels: number;
  /** K of a conditional model; 0 or absent without labels. */
  readonly classes?: number;
  /** [B, D], or [B, D + K] with labels, to what the posterior takes. */
  readonly encoder: Layer;
  readonly posterior: PosteriorFamily;
  readonly prior: PriorFamily;
  /** [N, Z], or [N, Z + K] with labels, to what the likelihood takes. */
  readonly decoder: Layer;
  readonly likelihood: LikelihoodFamily;
}

/** Joins pieces to a model, each in a scope of its name. @throws UserError if they do not fit together */
export function assemble(assembly: Assembly): Parts {
  const pieces = checkValue("The argument of assemble", ASSEMBLY, assembly);
  const { pixels, dimZ, classes = 0, objective, beta, encoder, posterior, prior, decoder, likelihood } = pieces;
  const networks = {
    encoder: checkValue("The value of encoder.specs", LAYER_SPECS, encoder.specs([pixels + classes], "image")),
    decoder: checkValue("The value of decoder.specs", LAYER_SPECS, decoder.specs([dimZ + classes], "sample")),
  };
  checkNetwork("encoder", networks.encoder, posterior.inputs);
  checkNetwork("decoder", networks.decoder, likelihood.inputs);
  if (posterior.dimZ !== dimZ || prior.dimZ !== dimZ) {
    throw new UserError(
      `The posterior has ${posterior.dimZ} dimensions and the prior ${prior.dimZ}, but dimZ is ${dimZ}`,
    );
  }
  if (objective.isPath && !posterior.hasPath) {
    throw new UserError("This posterior has no gradients without its score. Leave out `gradient`.");
  }
  const encode = (context: Context, x: tf.Tensor, y?: tf.Tensor) =>
    posterior.build(context.at("posterior"), encoder.apply(context.at("encoder"), withLabels(x, y)));
  return {
    dimZ,
    classes,
    objective,
    beta,
    likelihood,
    numbersPerDraw: prior.numbersPerDraw,
    hasNormalPrior: prior.isStandardNormal,
    layerOutputs: { encoder: outputsOf(networks.encoder), decoder: outputsOf(networks.decoder) },
    specs: joinSpecs({
      ...networks,
      posterior: posterior.specs,
      prior: prior.specs,
      likelihood: likelihood.specs,
      objective: objective.specs ?? NO_SPECS,
    }),
    encode,
    prior: (context) => prior.build(context.at("prior"), (x) => encode(context.evaluation, x)),
    decode: (context, z, y) =>
      likelihood.build(context.at("likelihood"), decoder.apply(context.at("decoder"), withLabels(z, y))),
  };
}

/** [N, D] and one-hot labels [N, K] to [N, D + K]. */
function withLabels(x: tf.Tensor, y: tf.Tensor | undefined): tf.Tensor {
  return y ? tf.concat([x, y], 1) : x;
}

function checkNetwork(name: string, { output, draws }: ReturnType<Layer["specs"]>, needed: number): void {
  if (output.length !== 1 || output[0] !== needed) {
    throw new UserError(`The ${name} gives [${output}] for an image, but the part after it takes [${needed}]`);
  }
  const other = Object.entries(draws).find(([, { phase }]) => phase !== "training");
  if (other)
    throw new UserError(`The draw ${name}.${other[0]} has the phase ${other[1].phase}: a layer draws in training only`);
}
