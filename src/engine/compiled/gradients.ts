// Registers the gradients of TensorFlow.js. The build bundles them, since Node.js cannot resolve that module's imports.
import "./tf.js"; // first: it creates the registry
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
