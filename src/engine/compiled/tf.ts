// TensorFlow.js. Its packages are required, not imported: to import a CommonJS module, Node.js first parses it for the
// names of its exports, which takes 100 ms here.
import { createRequire } from "node:module";

import tf = require("@tensorflow/tfjs-core");

createRequire(import.meta.url)("@tensorflow/tfjs-backend-cpu"); // the default backend

export { tf };
