// TensorFlow.js, by require: before importing a CommonJS module, Node.js parses it for the names of its exports (100 ms).
import { createRequire } from "node:module";

import tf = require("@tensorflow/tfjs-core");

createRequire(import.meta.url)("@tensorflow/tfjs-backend-cpu"); // the default backend

export { tf };
