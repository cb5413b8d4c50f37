// Switches the backend of TensorFlow.js, which is global, for the duration of a synchronous function.
import { tf } from "./tf.js";

const started = new Map<string, Promise<void>>();
/** While a backend starts, no other backend can be used or started. */
let lastStart: Promise<unknown> = Promise.resolve();

/** Starts a backend once. `register` adds it to TensorFlow.js. @throws Error if it does not start */
export function startBackend(name: string, register?: () => unknown): Promise<void> {
  const known = started.get(name);
  if (known) return known;
  const starting = lastStart.then(async () => {
    const previous = tf.getBackend() ?? "cpu";
    tf.enableProdMode(); // keeps tfjs from printing advice
    try {
      await register?.(); // tfjs-node makes itself the current backend, which `finally` undoes
      if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its backend ${name}`);
    } finally {
      void tf.setBackend(previous);
    }
  });
  started.set(name, starting);
  lastStart = starting.catch(() => {});
  return starting;
}

/** Runs `fn` on a started backend, disposes of its tensors, and restores the previous backend. */
export async function withBackend<T>(name: string, fn: () => T): Promise<T> {
  for (let awaited: unknown; awaited !== lastStart; ) {
    awaited = lastStart; // another start may follow
    await awaited;
  }
  const previous = tf.getBackend() ?? "cpu";
  void tf.setBackend(name); // synchronous for a started backend
  tf.engine().startScope();
  try {
    return fn();
  } finally {
    tf.engine().endScope();
    void tf.setBackend(previous);
  }
}

/** `tf.tidy` for any tree of tensors. */
export function tidy<Outputs>(fn: () => Outputs): Outputs {
  return tf.tidy(fn as () => tf.TensorContainer) as Outputs;
}
