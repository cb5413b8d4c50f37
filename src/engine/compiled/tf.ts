// TensorFlow.js. Its packages are required, not imported: Node.js imports a CommonJS module by parsing all of it for the names of its
// exports, which takes 100 ms for these.
import { createRequire } from "node:module";

import tf = require("@tensorflow/tfjs-core");

createRequire(import.meta.url)("@tensorflow/tfjs-backend-cpu"); // the default backend

export { tf };
