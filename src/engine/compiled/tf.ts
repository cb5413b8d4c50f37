// Loads TensorFlow.js by require, which saves 100 ms: for an import, Node.js parses a CommonJS module for the names of
// its exports.
import { createRequire } from "node:module";

import tf = require("@tensorflow/tfjs-core");

createRequire(import.meta.url)("@tensorflow/tfjs-backend-cpu"); // the default backend

export { tf };
