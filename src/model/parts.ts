// The parts of a variational autoencoder and how they fit together (Kingma & Welling 2014).
// Shapes: B images in a batch, D numbers in an image, L draws of z for an image, Z latent dimensions.
import { checkValue, type ValuesOf } from "../config/entries.js";
import type { tf } from "../engine/compiled/tf.js";
import { UserError } from "../errors.js";
import { ASSEMBLY, LAYER_SPECS } from "./checks.js";
import type { Layer } from "./layers.js";
import { type Context, joinSpecs, type Specs } from "./specs.js";

/** q(z|x) for a batch of images. */
export interface Posterior {
  /** [B, Z]: where the image lies in the latent space. */
  readonly mean: tf.Tensor;
  /** [B, Z]: standard deviations; absent if the posterior is a point. */
  readonly sigma?: tf.Tensor;
  /** Draws z by the draws of phase `posterior`: [B, L, Z]. */
  sample(): tf.Tensor;
  /** log p(z) − log q(z|x) of sampled z: [B, L] nats. */
  logRatio(z: tf.Tensor, prior: Prior): tf.Tensor;
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
}

/** What training maximizes. */
export interface Objective {
  /** L, the draws of z for each image. */
  readonly draws: number;
  /** @param klWeight β, or what its warm-up has reached @returns [B] nats */
  value(terms: Terms, klWeight: number | tf.Tensor): tf.Tensor;
}

/** A model: pure functions of tensors, and their specs. */
export interface Parts {
  readonly dimZ: number;
  readonly specs: Specs;
  readonly objective: Objective;
  /** The weight β of the KL term (Higgins et al. 2017). */
  readonly beta: number;
  readonly likelihood: Pick<LikelihoodFamily, "name" | "isProbability">;
  /** @param x [B, D], 0 to 1, or beyond if it is noisy */
  encode(context: Context, x: tf.Tensor): Posterior;
  prior(context: Context): Prior;
  /** @param z [N, Z] */
  decode(context: Context, z: tf.Tensor): Likelihood;
}

export interface PosteriorFamily {
  readonly dimZ: number;
  /** Outputs of the encoder for an image. */
  readonly inputs: number;
  readonly specs: Specs;
  /** @param outputs [B, inputs] */
  build(context: Context, outputs: tf.Tensor): Posterior;
}

export interface PriorFamily {
  readonly dimZ: number;
  readonly specs: Specs;
  build(context: Context): Prior;
}

export interface LikelihoodFamily {
  readonly name: string;
  /** Whether `logProb` of black and white pixels is the logarithm of a probability, not of a density. */
  readonly isProbability: boolean;
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
  /** Of a posterior: whether it is a point, so that the model has no bound. */
  readonly isPoint?: boolean;
  /** @param size D for likelihoods, else Z */
  readonly build: (own: ValuesOf<Settings>, size: number) => Built;
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

/** Declares an objective. `label` names its values. */
export function objective<Settings extends object>(
  definition: Part<Settings, Objective> & { readonly label: (own: ValuesOf<Settings>) => string },
) {
  return definition;
}

/** The pieces of a model. The layers of both networks may have draws of phase `training` only. */
export interface Assembly extends Pick<Parts, "dimZ" | "objective" | "beta"> {
  readonly pixels: number;
  /** [B, D] to what the posterior takes. */
  readonly encoder: Layer;
  readonly posterior: PosteriorFamily;
  readonly prior: PriorFamily;
  /** [N, Z] to what the likelihood takes. */
  readonly decoder: Layer;
  readonly likelihood: LikelihoodFamily;
}

/** Joins pieces to a model, each in a scope of its name. @throws UserError if they do not fit together */
export function assemble(assembly: Assembly): Parts {
  const pieces = checkValue("The argument of assemble", ASSEMBLY, assembly);
  const { pixels, dimZ, objective, beta, encoder, posterior, prior, decoder, likelihood } = pieces;
  const networks = {
    encoder: checkValue("The value of encoder.specs", LAYER_SPECS, encoder.specs([pixels], "image")),
    decoder: checkValue("The value of decoder.specs", LAYER_SPECS, decoder.specs([dimZ], "sample")),
  };
  checkNetwork("encoder", networks.encoder, posterior.inputs);
  checkNetwork("decoder", networks.decoder, likelihood.inputs);
  if (posterior.dimZ !== dimZ || prior.dimZ !== dimZ) {
    throw new UserError(
      `The posterior has ${posterior.dimZ} dimensions and the prior ${prior.dimZ}, but dimZ is ${dimZ}`,
    );
  }
  return {
    dimZ,
    objective,
    beta,
    likelihood,
    specs: joinSpecs({ ...networks, posterior: posterior.specs, prior: prior.specs, likelihood: likelihood.specs }),
    encode: (context, x) => posterior.build(context.at("posterior"), encoder.apply(context.at("encoder"), x)),
    prior: (context) => prior.build(context.at("prior")),
    decode: (context, z) => likelihood.build(context.at("likelihood"), decoder.apply(context.at("decoder"), z)),
  };
}

function checkNetwork(name: string, { output, draws }: ReturnType<Layer["specs"]>, needed: number): void {
  if (output.length !== 1 || output[0] !== needed) {
    throw new UserError(`The ${name} gives [${output}] for an image, but the part after it takes [${needed}]`);
  }
  const other = Object.entries(draws).find(([, { phase }]) => phase !== "training");
  if (other)
    throw new UserError(`The draw ${name}.${other[0]} has the phase ${other[1].phase}: a layer draws in training only`);
}
