// A lower bound: only the matrix products of a training step, in onnxruntime, many steps per call.
import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphBuilder } from "../../dist/engine/compiled/graph.js";
import { serve } from "./protocol.js";

const BATCH = 128;
const LAYERS = [
  [784, 500],
  [500, 500],
  [500, 4],
  [2, 500],
  [500, 500],
  [500, 784],
];

const body = new GraphBuilder("step");
const graph = new GraphBuilder("scan");
const feeds = {};
const give = (name, shape) => {
  const size = shape.reduce((a, b) => a * b);
  feeds[name] = new Tensor(
    "float32",
    Float32Array.from({ length: size }, (_, i) => ((i * 0.618) % 1) - 0.5),
    shape,
  );
  return graph.input(name, "float32", shape);
};
const names = LAYERS.flatMap(([inputs, outputs], i) => {
  const [x, w, d] = [give(`x${i}`, [BATCH, inputs]), give(`w${i}`, [inputs, outputs]), give(`d${i}`, [BATCH, outputs])];
  const forward = body.node("MatMul", [x, w]);
  const gradient = body.node("Gemm", [x, d], { transA: 1 });
  const backward = i > 0 ? [body.node("Gemm", [d, w], { transB: 1 })] : []; // the images need no gradient
  // Outputs one number of each product, so that onnxruntime neither drops a product nor copies it.
  return [forward, gradient, ...backward].map((product) => {
    const corner = body.node("Slice", [
      product,
      body.constant("int64", [0, 0], [2]),
      body.constant("int64", [1, 1], [2]),
    ]);
    body.output(corner, "float32", [1, 1]);
    return corner;
  });
});
graph.input("steps", "uint8", ["steps", 1]);
body.input("step/steps", "uint8", [1]);
const outputs = names.map((_, i) => `y${i}`);
for (const name of outputs) graph.output(name, "float32", ["steps", 1, 1]);
graph.node("Scan", ["steps"], { body, num_scan_inputs: 1 }, outputs);
const session = await InferenceSession.create(graph.encode(), {
  intraOpNumThreads: 2,
  interOpNumThreads: 1,
});

await serve(async (steps) => {
  await session.run({ ...feeds, steps: new Tensor("uint8", new Uint8Array(steps), [steps, 1]) });
});
