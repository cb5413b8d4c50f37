// TensorFlow.js, by require: to import a CommonJS module, Node.js first parses it for the names of its exports
// (100 ms).
import { createRequire } from "node:module";

import tf = require("@tensorflow/tfjs-core");

createRequire(import.meta.url)("@tensorflow/tfjs-backend-cpu"); // the default backend

export { tf };
