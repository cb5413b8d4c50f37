// The networks of vae.ts as ONNX models, for other runtimes. Written node by node, not traced: a tensor of TensorFlow.js has a
// size, and here that of the batch is left open. Shapes as in vae.ts.
import type { Config } from "../config/config.js";
import { GraphBuilder } from "../engine/compiled/graph.js";
import type { HiddenLayer, HostParams } from "./parameters.js";
import { hiddenLayers } from "./parameters.js";
import type { ModelConfig } from "./vae.js";

/** The bytes of ONNX files. */
export interface OnnxModels {
  /** `pixels` [batch, D] to `mean` and `sigma` [batch, Z] of q(z|x). A plain autoencoder has no sigma: its z is the mean. */
  readonly encoder: Uint8Array;
  /** `z` [batch, Z] to `pixels` [batch, D], the means of p(x|z): a Bernoulli pixel's probability of white. */
  readonly decoder: Uint8Array;
}

/** ONNX 1.8, of 2020: the oldest that has these operators as they are today, so that old runtimes take the files too. */
const VERSION = { opset: 13, ir: 7 };

const ACTIVATIONS: Record<Config["encoderActivations"][number], (graph: GraphBuilder, x: string) => string> = {
  elu: (graph, x) => graph.node("Elu", [x]),
  relu: (graph, x) => graph.node("Relu", [x]),
  sigmoid: (graph, x) => graph.node("Sigmoid", [x]),
  silu: (graph, x) => graph.node("Mul", [x, graph.node("Sigmoid", [x])]),
  softplus: (graph, x) => graph.node("Softplus", [x]),
  tanh: (graph, x) => graph.node("Tanh", [x]),
};

/**
 * The encoder and the decoder, without dropout, as they are used once trained.
 *
 * @param metadata what the files are to say of themselves
 */
export function encodeOnnx(
  config: ModelConfig,
  params: HostParams,
  metadata: Readonly<Record<string, string>>,
): OnnxModels {
  return {
    encoder: encoderGraph(config, params).encode(VERSION, describeEncoder(config), metadata),
    decoder: decoderGraph(config, params).encode(VERSION, describeDecoder(config), metadata),
  };
}

function encoderGraph(config: ModelConfig, params: HostParams): GraphBuilder {
  const { pixels, dimZ } = config;
  const graph = new GraphBuilder("encoder");
  const h = hidden(graph, config, params, graph.input("pixels", "float32", ["batch", pixels]));
  const heads = `encoder.${config.nHidden.length}`;
  graph.output("mean", "float32", ["batch", dimZ]);
  if (config.model === "ae") {
    linear(graph, params, heads, h, "mean");
    return graph;
  }
  const sizes = graph.constant("int64", [dimZ, dimZ], [2]);
  graph.node("Split", [linear(graph, params, heads, h), sizes], { axis: 1 }, ["mean", "rho"]);
  if (config.sigma === "exp") graph.node("Exp", ["rho"], {}, ["sigma"]);
  else graph.node("Add", [graph.node("Softplus", ["rho"]), graph.constant("float32", [1e-6], [])], {}, ["sigma"]);
  graph.output("sigma", "float32", ["batch", dimZ]);
  return graph;
}

function decoderGraph(config: ModelConfig, params: HostParams): GraphBuilder {
  const { pixels, dimZ } = config;
  const graph = new GraphBuilder("decoder");
  const h = hidden(graph, config, params, graph.input("z", "float32", ["batch", dimZ]));
  graph.node("Sigmoid", [linear(graph, params, `decoder.${config.nHidden.length}`, h)], {}, ["pixels"]);
  graph.output("pixels", "float32", ["batch", pixels]);
  return graph;
}

/** The hidden layers of the network that the graph is named after. */
function hidden(graph: GraphBuilder, config: ModelConfig, params: HostParams, x: string): string {
  const network = graph.name as HiddenLayer["network"];
  const activations = network === "encoder" ? config.encoderActivations : config.decoderActivations;
  return hiddenLayers(config)
    .filter((layer) => layer.network === network)
    .reduce((input, { name }, i) => {
      const activate = ACTIVATIONS[activations[Math.min(i, activations.length - 1)]];
      return activate(graph, linear(graph, params, name, input));
    }, x);
}

/** x·weight + bias, whose initializers have the names of the parameters. */
function linear(graph: GraphBuilder, params: HostParams, layer: string, x: string, output?: string): string {
  const operands = [`${layer}.weight`, `${layer}.bias`].map((name) =>
    graph.constant("float32", params[name].data, params[name].shape, name),
  );
  return graph.node("Gemm", [x, ...operands], {}, output === undefined ? undefined : [output]);
}

function describeEncoder({ model }: ModelConfig): string {
  return model === "ae"
    ? "The encoder of a plain autoencoder: pixels of images to their z, here called mean."
    : "The encoder of a variational autoencoder: pixels of images to mean and sigma of q(z|x), a normal distribution for each.";
}

function describeDecoder({ likelihood, pixelSigma }: ModelConfig): string {
  const means =
    likelihood === "gaussian"
      ? `means of their pixels, normal with deviation ${pixelSigma}`
      : "their pixels' probabilities of white";
  return `The decoder of an autoencoder: z to images, the ${means}.`;
}
