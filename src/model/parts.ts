// The parts of a variational autoencoder, and how to assemble them (Kingma & Welling 2014).
// Shapes: B images in a batch, D numbers in an image, K classes, L draws of z for an image, Z latent dimensions.
import type { ValuesOf } from "../config/entries.js";
import type { ImageShape } from "../data/pixels.js";
import { tf } from "../engine/compiled/tf.js";
import { UserError } from "../errors.js";
import { checkValue } from "../values/checker.js";
import { ASSEMBLY, LAYER_SPECS } from "./checks.js";
import { type ActivationName, type DenseLayer, type Layer, outputsOf } from "./layers.js";
import { type Context, type Init, joinSpecs, NO_SPECS, type Specs } from "./specs.js";

/** The shape and classes of a model's images. */
export interface ModelInput extends ImageShape {
  /** K, the number of classes of a conditional model; 0 or absent without labels. */
  readonly classes?: number | undefined;
}

/** Sizes that parts are built for. */
export interface Sizes extends ImageShape {
  readonly classes: number;
  readonly dimZ: number;
  /** D = height · width · channels */
  readonly pixels: number;
}

/** q(z|x) for a batch of images. */
export interface Posterior {
  /** [B, Z]: the mean of a Gaussian; of other posteriors, z without noise (ε = 0). */
  readonly mean: tf.Tensor;
  /** [B, Z]: the standard deviations of a Gaussian; absent of other posteriors. */
  readonly sigma?: tf.Tensor;
  /** Samples z, reparameterizing the draws of phase `posterior`: [B, L, Z]. */
  sample(): tf.Tensor;
  /**
   * log p(z) − log q(z|x): [B, L] nats.
   *
   * @param z the result of `sample`
   * @param isPath stops the gradient to the parameters of q: it flows to z only
   */
  logRatio(z: tf.Tensor, prior: Prior, isPath?: boolean): tf.Tensor;
  /**
   * KL(q(z|x) ‖ p(z)) in closed form: [B, G] nats, for G groups of latent dimensions that are independent in both.
   * Undefined if this prior has no closed form: the KL term is then estimated from draws.
   */
  kl(prior: Prior): tf.Tensor | undefined;
}

/** p(z). */
export interface Prior {
  /** Identifies the distribution, so that posteriors can choose a closed form. */
  readonly family: string;
  /** log p(z): [B, L, Z] to [B, L] nats. */
  logProb(z: tf.Tensor): tf.Tensor;
  /** Samples z, using the draws of phase `prior`: [N, Z]. */
  sample(): tf.Tensor;
}

/** p(x|z) for N = B·L values of z. */
export interface Likelihood {
  /** [N, D], 0 to 1: shown in pictures. */
  mean(): tf.Tensor;
  /** log p(x|z). @param x [B, D], 0 to 1 @returns [B, L] nats */
  logProb(x: tf.Tensor): tf.Tensor;
}

/** The terms of a batch, from which objectives are computed. */
export interface Terms {
  /** log p(x|z): [B, L] nats. */
  readonly logLikelihood: tf.Tensor;
  /** The mean of `logLikelihood` over the draws: [B] nats. */
  readonly reconstruction: tf.Tensor;
  /** KL(q(z|x) ‖ p(z)): [B] nats. */
  readonly kl: tf.Tensor;
  /** `kl` of G groups of latent dimensions that are independent in q and p: [B, G] nats. */
  readonly klGroups: tf.Tensor;
  /** log p(z) − log q(z|x): [B, L] nats. */
  logRatio(): tf.Tensor;
  /** Draws from the posterior: [B, L, Z]. */
  readonly z: tf.Tensor;
  readonly posterior: Posterior;
  readonly prior: Prior;
  /** Multiplies the gradient of each draw z by its share, [B, L]. Without effect unless the objective has `isPath`. */
  weighDraws(shares: tf.Tensor): void;
}

/** An objective, which training maximizes. */
export interface Objective {
  /** L, the draws of z for each image. */
  readonly draws: number;
  /** Whether gradients omit the score of q(z|x) and flow through the draws only (Roeder et al. 2017). */
  readonly isPath?: boolean;
  /**
   * Set if the objective compares the images of a batch: the count of numbers in memory for each pair. Training then
   * needs batches of two or more, and evaluation uses the same batch size, since values depend on it.
   */
  readonly numbersPerPair?: number | undefined;
  /** Whether it averages over a batch before a nonlinear function, so that processes cannot share a batch. */
  readonly averagesImages?: boolean | undefined;
  /** Its own draws, of phase `posterior`. */
  readonly specs?: Specs;
  /** @param klWeight β, or less during warm-up @param context scoped to the objective @returns [B] nats */
  value(terms: Terms, klWeight: number | tf.Tensor, context: Context): tf.Tensor;
}

/** A model: pure functions of tensors, and their specs. */
export interface Parts {
  readonly dimZ: number;
  /** K of a conditional model (Sohn et al. 2015), whose functions take labels y; 0 or absent without labels. */
  readonly classes?: number | undefined;
  readonly specs: Specs;
  readonly objective: Objective;
  /** The weight β of the KL term (Higgins et al. 2017). */
  readonly beta: number;
  readonly likelihood: Pick<LikelihoodFamily, "name" | "support">;
  /** The count of numbers in memory for each draw of z in addition to those of the networks, if large. */
  readonly numbersPerDraw?: number | undefined;
  /** The count of numbers that all layers output: encoder for an image, decoder for a draw of z. */
  readonly layerOutputs?: { readonly encoder: number; readonly decoder: number } | undefined;
  /** The mean of p(x|z) as fully connected layers on [z, y], if it is a chain of these. */
  readonly denseDecoder?: DenseDecoder | undefined;
  /** Whether the prior is N(0, I), as pictures show it. */
  readonly hasNormalPrior?: boolean | undefined;
  /** q(z|x). @param x [B, D], 0 to 1, or beyond if noisy @param y one-hot labels [B, K] of a conditional model */
  encode(context: Context, x: tf.Tensor, y?: tf.Tensor): Posterior;
  prior(context: Context): Prior;
  /** p(x|z). @param z [N, Z] @param y one-hot labels [N, K] of a conditional model */
  decode(context: Context, z: tf.Tensor, y?: tf.Tensor): Likelihood;
}

/** The layers of a decoder, and the function that maps their outputs to means of pixels. */
export interface DenseDecoder {
  readonly layers: readonly DenseLayer[];
  readonly mean: ActivationName;
}

/** Builds posteriors from the encoder's outputs. */
export interface PosteriorFamily {
  readonly dimZ: number;
  /** Whether `logRatio` supports `isPath`. */
  readonly hasPath?: boolean;
  /** Outputs of the encoder for an image. */
  readonly inputs: number;
  readonly specs: Specs;
  /** @param outputs [B, inputs] */
  build(context: Context, outputs: tf.Tensor): Posterior;
}

/** Builds a prior from its weights. */
export interface PriorFamily {
  readonly dimZ: number;
  /** The count of numbers in memory for each draw of z, if large. */
  readonly numbersPerDraw?: number | undefined;
  /** Whether it is N(0, I). */
  readonly isStandardNormal?: boolean | undefined;
  readonly specs: Specs;
  /** @param encode maps images [N, D], 0 to 1, to posteriors that cannot be sampled */
  build(context: Context, encode: (x: tf.Tensor) => Posterior): Prior;
}

/** Builds likelihoods from the decoder's outputs. */
export interface LikelihoodFamily {
  readonly name: string;
  /**
   * The values of a pixel. `logProb` is a log probability of "binary" (black or white) or "bytes" (256 values), or a
   * log density of "real".
   */
  readonly support: "binary" | "bytes" | "real";
  /** Outputs of the decoder for an image. */
  readonly inputs: number;
  /** Set if the mean of each pixel is this function of an output of the decoder. */
  readonly meanActivation?: ActivationName | undefined;
  readonly specs: Specs;
  /** @param outputs of the decoder: [N, inputs] */
  build(context: Context, outputs: tf.Tensor): Likelihood;
}

/** A part that a setting chooses. Its functions receive the values of its own settings. */
export interface Part<Settings, Built> {
  /** Used in the help of the setting that chooses the part. */
  readonly help: string;
  readonly settings: Settings;
  readonly build: (own: ValuesOf<Settings>, sizes: Sizes) => Built;
}

/** Declares a part, and infers its type. */
export function part<Settings extends object, Built>(definition: Part<Settings, Built>): Part<Settings, Built> {
  return definition;
}

/** Declares a likelihood. */
export function likelihood<Settings extends object>(
  definition: Part<Settings, LikelihoodFamily> & {
    /** Appended to the description of pixels: ", normal with deviation 0.1". */
    readonly suffix: (own: ValuesOf<Settings>) => string;
    /** The largest −log p(x) of a pixel with mean 0.5, in nats. */
    readonly greyNats: (own: ValuesOf<Settings>) => number;
  },
) {
  return definition;
}

/** Declares a kind of networks. `weight` initializes all layers. */
export function network<Settings extends object>(
  definition: Omit<Part<Settings, Networks>, "build"> & {
    /** The setting to lower for a smaller model. */
    readonly width: keyof Settings & string;
    readonly build: (own: ValuesOf<Settings>, sizes: Sizes & { readonly weight: Init }) => Networks;
  },
) {
  return definition;
}

/** Declares an objective. `label` names its values in tables and plots. */
export function objective<Settings extends object>(
  definition: Part<Settings, Objective> & {
    readonly label: (own: ValuesOf<Settings>) => string;
    /** Whether it has `numbersPerPair`. */
    readonly comparesImages?: true;
  },
) {
  return definition;
}

/** The layers of encoder and decoder. Their draws have phase `training`. */
export interface Networks {
  /** [B, D], or [B, D + K] with labels, to [B, outputs]. */
  encoder(outputs: number): Layer;
  /** [N, Z], or [N, Z + K] with labels, to [N, outputs]. @param bias initializes the output layer's bias */
  decoder(outputs: number, bias: Init): Layer;
}

/** The pieces of a model. Draws of encoder and decoder must have phase `training`. */
export interface Assembly extends Pick<Parts, "dimZ" | "objective" | "beta"> {
  readonly pixels: number;
  /** K of a conditional model; 0 or absent without labels. */
  readonly classes?: number;
  /** [B, D], or [B, D + K] with labels, to [B, posterior.inputs]. */
  readonly encoder: Layer;
  readonly posterior: PosteriorFamily;
  readonly prior: PriorFamily;
  /** [N, Z], or [N, Z + K] with labels, to [N, likelihood.inputs]. */
  readonly decoder: Layer;
  readonly likelihood: LikelihoodFamily;
}

/**
 * Assembles a model from pieces, each in a scope of its name.
 *
 * @throws UserError if a piece is invalid, or shapes, dimensions or draws do not match
 */
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
      `The posterior has ${posterior.dimZ} dimensions and the prior ${prior.dimZ}, but dimZ is ${dimZ}. ` +
        "Give all three the same number.",
    );
  }
  if (objective.isPath && !posterior.hasPath) {
    throw new UserError("This posterior does not support `gradient: path`. Leave out `gradient`.");
  }
  const layers = decoder.chain?.map((layer) => ({ ...layer, scope: `decoder.${layer.scope}` }));
  const { meanActivation: mean } = likelihood;
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
    denseDecoder: layers && mean && { layers, mean },
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

/** Appends one-hot labels [N, K], if any, to [N, D]: [N, D + K]. */
function withLabels(x: tf.Tensor, y: tf.Tensor | undefined): tf.Tensor {
  return y ? tf.concat([x, y], 1) : x;
}

function checkNetwork(name: string, { output, draws }: ReturnType<Layer["specs"]>, needed: number): void {
  if (output.length !== 1 || output[0] !== needed) {
    throw new UserError(
      `The ${name} outputs [${output}] for an image, but the part after it takes [${needed}]. ` +
        `Let the ${name} output [${needed}].`,
    );
  }
  const other = Object.entries(draws).find(([, { phase }]) => phase !== "training");
  if (other) {
    throw new UserError(
      `The draw ${name}.${other[0]} has the phase ${other[1].phase}, but a layer draws in training only. ` +
        "Give it the phase training.",
    );
  }
}
