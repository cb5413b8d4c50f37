// TensorFlow.js has one backend at a time, for the whole process. Here it is lent out and put back.
import * as tf from "@tensorflow/tfjs";

/**
 * Runs `fn` on a backend, which must be ready, and sets back the one that was there before. `fn` is synchronous, so that
 * nothing else of this process can get onto the backend, or off it, halfway.
 */
export function withBackend<T>(name: string, fn: () => T): T {
  const previous = tf.getBackend() ?? "cpu";
  void tf.setBackend(name); // at once, for a backend that is ready
  try {
    return fn();
  } finally {
    void tf.setBackend(previous);
  }
}
