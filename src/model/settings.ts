// The settings of a model: choices of parts, and the settings of each part.
import { choice, type Described, integer, real, type Setting, toggle, type ValuesOf } from "../config/entries.js";
import { oneOrTwo } from "../values/domains.js";
import { LIKELIHOODS, NETWORKS, OBJECTIVES, POSTERIORS, PRIORS } from "./registry.js";

/** The `needs` of settings without effect on a plain autoencoder. */
export const BOUND = { model: ["vae"] };

/** The value of `dimZ` in `needs` of settings for two layers. */
const TWO_NUMBERS = "Z1,Z2";

// biome-ignore format: two lines per setting
export const MODEL_SETTINGS = {
  model: choice(["vae", "ae"], { default: "vae", flag: "vae|ae",
    help: "variational or plain autoencoder",
    details: "in a plain one, z is the encoder's output, and there is no KL term" }),
  objective: choice(names(OBJECTIVES), { default: "elbo", flag: names(OBJECTIVES).join("|"), needs: BOUND,
    help: "what to maximize", details: describe(OBJECTIVES) }),
  conditional: toggle({ flag: "",
    help: "feed labels to the encoder and the decoder, to draw images of a chosen class",
    details: "the model is p(x|y) of each class y (Sohn et al. 2015)" }),
  dimZ: latents({ default: 2, max: 4096, flag: "count",
    help: "dimensions of the latent space", details: "100,50 = two stochastic layers (Burda et al. 2016)" }),
  network: choice(names(NETWORKS), { default: "mlp", flag: names(NETWORKS).join("|"),
    help: "fully connected layers or convolutions", details: describe(NETWORKS) }),
  ...ownSettings("network", NETWORKS),
  ...ownSettings("objective", OBJECTIVES, BOUND),
  beta: real({ default: 1, min: 0, max: 1000, flag: "number", needs: BOUND,
    help: "weight of the KL term",
    details: "Higgins et al. 2017; with 1 or more, the objective is a lower bound on log p(x)" }),
  posterior: choice(names(POSTERIORS), { default: "gaussian", needs: BOUND, help: `q(z|x): ${describe(POSTERIORS)}` }),
  ...ownSettings("posterior", POSTERIORS, BOUND),
  layerUnits: integer({ default: 100, min: 1, max: 4096, needs: { ...BOUND, dimZ: [TWO_NUMBERS] },
    help: "units of the two hidden layers between two stochastic layers" }),
  prior: choice(names(PRIORS), { default: "normal", needs: BOUND, help: `p(z): ${describe(PRIORS)}` }),
  ...ownSettings("prior", PRIORS, BOUND),
  likelihood: choice(names(LIKELIHOODS), { default: "bernoulli",
    help: `p(x|z) of a pixel: ${describe(LIKELIHOODS)}` }),
  ...ownSettings("likelihood", LIKELIHOODS),
  initialWeights: choice(["he", "glorot"], { default: "he",
    help: "initial weights of encoder and decoder: normal (He et al. 2015), or uniform (Glorot & Bengio 2010)" }),
  outputBias: choice(["zero", "mean"], { default: "zero",
    help: "initial bias of the decoder's output: zero, or the logit of the mean image, clipped to 0.001–0.999" }),
};

export type ModelConfig = ValuesOf<typeof MODEL_SETTINGS>;

/** Sizes of one or two layers of latents. */
type Latents = number | readonly [number, number];

function latents(options: Described & { readonly default: Latents; readonly max: number }): Setting<Latents> {
  const kindOf = (value: Latents) => (typeof value === "number" ? "one number" : TWO_NUMBERS);
  return { ...options, kindOf, ...oneOrTwo({ min: 1, max: options.max }) };
}

type Registry = { readonly [name: string]: { readonly help: string; readonly settings: object } };
type Intersection<Union> = (Union extends unknown ? (of: Union) => void : never) extends (of: infer All) => void
  ? All
  : never;
type OwnSettings<Parts extends Registry> = Intersection<Parts[keyof Parts]["settings"]>;

/** The settings of a registry's parts. Each needs the choice of a part that has it. */
function ownSettings<Parts extends Registry>(
  choice: string,
  parts: Parts,
  needs: Setting<unknown>["needs"] = {},
): OwnSettings<Parts> {
  const own: Record<string, Setting<unknown>> = {};
  for (const { settings } of Object.values(parts)) {
    for (const [name, setting] of Object.entries(settings)) {
      if (own[name] && own[name].help !== setting.help) throw new Error(`Two parts declare ${name} differently`);
      const having = names(parts).filter((part) => name in parts[part].settings);
      own[name] = { ...setting, needs: { ...needs, [choice]: having } };
    }
  }
  return own as OwnSettings<Parts>;
}

function names<Parts extends Registry>(parts: Parts): (keyof Parts & string)[] {
  return Object.keys(parts);
}

/** vae = variational autoencoder; ae = … */
function describe(parts: Registry): string {
  return Object.entries(parts)
    .map(([name, { help }]) => `${name} = ${help}`)
    .join("; ");
}
