// Loads TensorFlow's native library, as @tensorflow/tfjs-node has it: an optional package, which makes TensorFlow.js' backend
// `tensorflow` known.
import { createRequire } from "node:module";
import process from "node:process";
import util from "node:util";

export const TFJS_NODE = "@tensorflow/tfjs-node";

/** Its install script downloads the library: the flag lets it, whatever the project's .npmrc says. */
export const INSTALL_TFJS_NODE = `npm install --no-save --ignore-scripts=false ${TFJS_NODE}@4.22.0`;

let loaded: { version: string; threads: number } | undefined;

/**
 * @param threads for TensorFlow, which takes the number of its first loading for as long as the process runs
 * @returns the version of the library, and its number of threads
 * @throws Error if the package is missing or does not load
 */
export function loadTensorflow(threads: number): { version: string; threads: number } {
  if (loaded) return loaded;
  // Node 24 has them no longer, and tfjs-node 4.22 calls them.
  const old = util as unknown as { isArray?: typeof Array.isArray; isNullOrUndefined?: (value: unknown) => boolean };
  old.isArray ??= Array.isArray;
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1"; // else it tells on stderr what the processor can do
  const require = createRequire(import.meta.url);
  const { backend } = require(TFJS_NODE) as typeof import("@tensorflow/tfjs");
  const { binding } = backend() as unknown as { binding: { TF_Version: string } };
  loaded = { version: `TensorFlow ${binding.TF_Version}`, threads };
  return loaded;
}
