// Registers the gradients of TensorFlow.js' kernels. Node.js cannot resolve the imports of the module of tfjs-core that does this, so the
// build bundles that module into this one.
import "./tf.js"; // first: it makes the registry
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
