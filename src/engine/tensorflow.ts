// Loads TensorFlow's native library, as @tensorflow/tfjs-node has it: an optional package, which makes TensorFlow.js' backend
// `tensorflow` known.
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import process from "node:process";
import util from "node:util";
import { tf } from "./compiled/tf.js";

const BACKEND = "tensorflow";

let loaded: { version: string; threads: number } | undefined;

/**
 * @param threads for TensorFlow, which takes the number of its first loading for as long as the process runs
 * @returns the version of the library, and its number of threads
 * @throws Error if the package is missing or does not load
 */
export function loadTensorflow(threads: number): { version: string; threads: number } {
  if (loaded) return loaded;
  const wasThere = tf.findBackendFactory(BACKEND) !== null; // loaded by who uses this library, with TensorFlow's own number of threads
  // tfjs-node 4.22 calls these, of which newer Nodes warn or which they have no longer.
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  });
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1"; // else it tells on stderr what the processor can do
  createRequire(import.meta.url)("@tensorflow/tfjs-node");
  const { binding } = tf.findBackend(BACKEND) as unknown as { binding: { TF_Version: string } };
  loaded = { version: `TensorFlow ${binding.TF_Version}`, threads: wasThere ? availableParallelism() : threads };
  return loaded;
}
