// Registers the gradients of TensorFlow.js' kernels. Node.js cannot resolve the imports of tfjs-core's own module for
// this, so the build bundles it.
import "./tf.js"; // first: it creates the registry
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
