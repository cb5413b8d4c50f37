// Lends the backend of TensorFlow.js, of which a process has one at a time, to synchronous functions.
import { tf } from "./tf.js";

const started = new Map<string, Promise<void>>();
/** While a backend starts, tfjs lets no other be used or started. */
let lastStart: Promise<unknown> = Promise.resolve();

/** Starts a backend, once. `register` registers it with TensorFlow.js. @throws Error if it does not start */
export function startBackend(name: string, register?: () => unknown): Promise<void> {
  const known = started.get(name);
  if (known) return known;
  const starting = lastStart.then(async () => {
    const previous = tf.getBackend() ?? "cpu";
    tf.enableProdMode(); // else tfjs prints advice
    try {
      await register?.(); // tfjs-node makes itself the backend
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
