// The compiled engine: what `jax.jit` and `lax.scan` are to JAX, for TensorFlow.js. A function is traced once for each
// set of shapes (trace.ts), its kernels lowered to ONNX (kernels.ts, graph.ts), and the program kept, so that a whole chunk
// of training steps is one call into onnxruntime (session.ts).
import type { Tensor } from "@tensorflow/tfjs";
import type { HostArray, Tree } from "../../tree.js";
import { leaves, mapTree } from "../../tree.js";
import type { Engine, Hosted, Step } from "../engine.js";
import type { DataType } from "./graph.js";
import { encodeModel, GraphBuilder } from "./graph.js";
import { Session } from "./session.js";
import type { OutputSpec } from "./trace.js";
import { trace } from "./trace.js";

/** @throws Error if onnxruntime does not run on this machine */
export async function openCompiledEngine(threads: number): Promise<Engine> {
  const engine = new CompiledEngine(threads);
  await engine.call(identity, { x: { data: new Float32Array(1), shape: [1] } });
  return engine;
}

/** The smallest program there is, to find out whether any runs. */
function identity({ x }: { x: Tensor }): { x: Tensor } {
  return { x };
}

interface Program {
  readonly session: Session;
  /** Names and shapes of what comes out, in the tree that it is given back as. */
  readonly outputs: Tree<OutputSpec>;
}

class CompiledEngine implements Engine {
  readonly name = "compiled";
  /** By function, then by the names, types and shapes of its inputs. */
  readonly #programs = new Map<unknown, Map<string, Promise<Program>>>();

  constructor(readonly threads: number) {}

  async scan<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: Hosted<Carry>,
    xs: Hosted<X>,
  ): Promise<[Hosted<Carry>, Hosted<Y>]> {
    const inputs = { carry: init, x: xs } as Tree<HostArray>;
    const perStep = { carry: init, x: mapTree(xs as Tree<HostArray>, withoutLeadingAxis) } as Tree<HostArray>;
    const program = await this.#program(step, perStep, () => scanGraph(step, perStep));
    const outputs = (await run(program, inputs)) as { carry: Hosted<Carry>; y: Hosted<Y> };
    return [outputs.carry, outputs.y];
  }

  async call<Inputs, Outputs>(fn: (inputs: Inputs) => Outputs, inputs: Hosted<Inputs>): Promise<Hosted<Outputs>> {
    const tree = inputs as Tree<HostArray>;
    const program = await this.#program(fn, tree, () => callGraph(fn, tree));
    return (await run(program, tree)) as Hosted<Outputs>;
  }

  async close(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((byShape) => [...byShape.values()]);
    this.#programs.clear();
    const opened = await Promise.allSettled(programs);
    for (const program of opened) if (program.status === "fulfilled") await program.value.session.close();
  }

  #program(fn: unknown, inputs: Tree<HostArray>, write: () => Promise<WrittenGraph>): Promise<Program> {
    const key = leaves(inputs)
      .map(([path, array]) => `${path}:${typeOf(array)}[${array.shape}]`)
      .join();
    const byShape = this.#programs.get(fn) ?? new Map<string, Promise<Program>>();
    this.#programs.set(fn, byShape);
    let program = byShape.get(key);
    if (!program) {
      program = write().then(async ({ model, outputs }) => ({
        session: await Session.create(model, this.threads),
        outputs,
      }));
      program.catch(() => byShape.delete(key));
      byShape.set(key, program);
    }
    return program;
  }
}

interface WrittenGraph {
  readonly model: Uint8Array;
  readonly outputs: Tree<OutputSpec>;
}

/** A function as a graph. */
async function callGraph<Inputs, Outputs>(
  fn: (inputs: Inputs) => Outputs,
  inputs: Tree<HostArray>,
): Promise<WrittenGraph> {
  const graph = new GraphBuilder("call");
  const outputs = await trace(graph, fn, declareInputs(graph, inputs));
  for (const [, { name, shape }] of leaves(outputs)) graph.output(name, "float32", shape);
  return { model: encodeModel(graph.build()), outputs };
}

/** A step as the body of an ONNX Scan, with the number of steps left open. */
async function scanGraph<Carry, X, Y>(step: Step<Carry, X, Y>, inputs: Tree<HostArray>): Promise<WrittenGraph> {
  const body = new GraphBuilder("step");
  const stepped = (await trace(
    body,
    (tree: { carry: Carry; x: X }) => {
      const [carry, y] = step(tree.carry, tree.x);
      return { carry, y };
    },
    declareInputs(body, inputs, "step/"), // a name of the outer graph must not be used again
  )) as { carry: Tree<OutputSpec>; y: Tree<OutputSpec> };

  const graph = new GraphBuilder("scan");
  const state = leaves(inputs.carry as Tree<HostArray>).map(([path, { shape }]) => ({ path, shape }));
  const sequences = leaves(inputs.x as Tree<HostArray>);
  const carried = new Map(leaves(stepped.carry));
  const reported = leaves(stepped.y);
  const scanInputs = [
    ...state.map(({ path, shape }) => graph.input(`carry/${path}`, "float32", shape)),
    ...sequences.map(([path, array]) => graph.input(`x/${path}`, typeOf(array), ["steps", ...array.shape])),
  ];
  const finals = state.map(({ path, shape }) => {
    const next = carried.get(path);
    if (!next) throw new Error(`A step lost ${path}, which it was given to carry`);
    body.output(next.name, "float32", next.shape);
    return { name: `final/${path}`, shape };
  });
  const stacks = reported.map(([path, { name, shape }]) => {
    body.output(name, "float32", shape);
    return { name: `y/${path}`, shape: ["steps", ...shape] };
  });
  const outputs = [...finals, ...stacks];
  for (const { name, shape } of outputs) graph.output(name, "float32", shape);
  graph.node(
    "Scan",
    scanInputs,
    { body: body.build(), num_scan_inputs: sequences.length },
    outputs.map(({ name }) => name),
  );
  return {
    model: encodeModel(graph.build()),
    outputs: {
      carry: mapTree(inputs.carry as Tree<HostArray>, ({ shape }, path) => ({ name: `final/${path}`, shape })),
      y: mapTree(stepped.y, ({ shape }, path) => ({ name: `y/${path}`, shape })),
    },
  };
}

/** Inputs of a graph by their paths in the tree. */
function declareInputs(graph: GraphBuilder, inputs: Tree<HostArray>, prefix = "") {
  return mapTree(inputs, (array, path) => {
    const type = typeOf(array);
    return { name: graph.input(prefix + path, type, array.shape), type, shape: array.shape };
  });
}

async function run({ session, outputs }: Program, inputs: Tree<HostArray>): Promise<Tree<HostArray>> {
  const results = await session.run(new Map(leaves(inputs)));
  return mapTree(outputs, ({ name }) => results.get(name) as HostArray);
}

function typeOf({ data }: HostArray): DataType {
  return data instanceof Float32Array ? "float32" : "uint8";
}

/** The array's description without its leading axis: enough to trace with. */
function withoutLeadingAxis({ data, shape }: HostArray): HostArray {
  return { data, shape: shape.slice(1) };
}
