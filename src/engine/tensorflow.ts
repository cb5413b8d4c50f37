// Loads TensorFlow's native library through the optional package @tensorflow/tfjs-node, which registers the backend
// `tensorflow`.
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import process from "node:process";
import util from "node:util";
import { tf } from "./compiled/tf.js";

const BACKEND = "tensorflow";

let loaded: { version: string; threads: number } | undefined;

/**
 * Loads the library once. Only the first call sets its number of threads.
 *
 * @returns the library's version and its number of threads
 * @throws Error if it does not load
 */
export function loadTensorflow(threads: number): { version: string; threads: number } {
  if (loaded) return loaded;
  const wasLoaded = tf.findBackendFactory(BACKEND) !== null; // by the caller's program: a thread for each processor
  // tfjs-node 4.22 calls these functions, which newer versions of Node.js deprecate or lack.
  const isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  Object.assign(util, { isArray: Array.isArray, isNullOrUndefined });
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1"; // else it prints the processor's features on stderr
  createRequire(import.meta.url)("@tensorflow/tfjs-node");
  const { binding } = Object(tf.findBackend(BACKEND)); // missing in the type of backends
  loaded = { version: `TensorFlow ${binding.TF_Version}`, threads: wasLoaded ? availableParallelism() : threads };
  return loaded;
}
