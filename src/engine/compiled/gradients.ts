// Registers the gradients of TensorFlow.js' kernels. Node.js cannot load the module of tfjs-core that does so as it is published: the
// build bundles it into this one.
import "./tf.js"; // first: it makes the registry
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
