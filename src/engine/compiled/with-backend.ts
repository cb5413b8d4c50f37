// TensorFlow.js has one backend at a time, for the whole process. Here it is lent out and put back.
import { tf } from "./tf.js";

const started = new Map<string, Promise<void>>();
/** While one backend is starting, tfjs lets no other be used, nor started. */
let lastStart: Promise<unknown> = Promise.resolve();

/**
 * Starts a backend, once.
 *
 * @param register makes it known to TensorFlow.js; meanwhile no other one starts
 * @throws Error if it does not start
 */
export function startBackend(name: string, register?: () => unknown): Promise<void> {
  let starting = started.get(name);
  if (!starting) {
    starting = lastStart.then(() => start(name, register));
    started.set(name, starting);
    lastStart = starting.catch(() => {});
  }
  return starting;
}

/**
 * Runs `fn` on a backend that was started, and sets back the one that was there before. `fn` is synchronous, so that nothing
 * else in this process gets onto the backend, or off it, halfway.
 */
export async function withBackend<T>(name: string, fn: () => T): Promise<T> {
  for (let awaited: unknown; awaited !== lastStart; ) {
    awaited = lastStart; // another one may be begun meanwhile
    await awaited;
  }
  const previous = tf.getBackend() ?? "cpu";
  void tf.setBackend(name); // done at once, for a backend that was started
  try {
    return fn();
  } finally {
    void tf.setBackend(previous);
  }
}

/** Runs `fn` and disposes of all tensors that it makes but those in the tree that it returns. */
export function tidy<Outputs>(fn: () => Outputs): Outputs {
  return tf.tidy(fn as () => tf.TensorContainer) as Outputs;
}

async function start(name: string, register?: () => unknown): Promise<void> {
  const previous = tf.getBackend() ?? "cpu";
  tf.enableProdMode(); // else tfjs advises, on stderr, to install another of its backends
  try {
    await register?.(); // tfjs-node makes itself the backend on loading
    if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its backend ${name}`);
  } finally {
    void tf.setBackend(previous);
  }
}
