// Processes of explored models: one for each run, the least recently used ends.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { decodeError } from "../errors.js";
import type { Answer } from "./model-process.js";
import { RequestError } from "./request-error.js";

/** Answers calls to models. */
export interface Models {
  /**
   * @param body the request's JSON
   * @param signal aborts a call that has not begun
   * @returns the answer's JSON
   * @throws UserError as the call
   */
  call(run: string, body: string, signal: AbortSignal): Promise<string>;
  close(): void;
}

/** Processes in memory at a time. */
const MAX_PROCESSES = 3;
const PROGRAM = fileURLToPath(new URL("./model-process.js", import.meta.url));

export class ModelProcesses implements Models {
  /** By run, the least recently used first. */
  readonly #processes = new Map<string, ModelProcess>();

  /** @param threads of each engine */
  constructor(readonly threads: number) {}

  call(run: string, body: string, signal: AbortSignal): Promise<string> {
    const used = this.#processes.get(run) ?? new ModelProcess(run, this.threads);
    this.#processes.delete(run);
    this.#processes.set(run, used);
    for (const [other, process] of this.#processes) {
      if (this.#processes.size <= MAX_PROCESSES) break;
      process.close();
      this.#processes.delete(other);
    }
    return used.call(body, signal);
  }

  close(): void {
    for (const process of this.#processes.values()) process.close();
    this.#processes.clear();
  }
}

/** Calls that wait for a process. */
const MAX_WAITING = 100;

/** A process that starts with the first call, and again with the next one after it died. Answers calls in turn. */
class ModelProcess {
  #child: ChildProcess | undefined;
  /** The last call in the queue. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(
    readonly run: string,
    readonly threads: number,
  ) {}

  async call(body: string, signal: AbortSignal): Promise<string> {
    if (this.#waiting >= MAX_WAITING) throw new RequestError(503, "The model has too much to do. Try again.");
    this.#waiting++;
    const answer = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#send(body);
    });
    this.#last = answer.catch(() => {});
    return answer.finally(() => this.#waiting--);
  }

  close(): void {
    this.#isClosed = true;
    this.#child?.kill();
  }

  async #send(body: string): Promise<string> {
    if (this.#isClosed) throw ended("was closed");
    this.#child ??= this.#start();
    const child = this.#child;
    const answer = await ask(child, body).catch((error) => {
      child.kill(); // its next message would be taken for the answer to another call
      this.#forget(child);
      throw ended(error.message);
    });
    if ("error" in answer) throw decodeError(answer.error);
    return answer.json;
  }

  #start(): ChildProcess {
    const child = fork(PROGRAM, [this.run, String(this.threads)], { serialization: "advanced" });
    child.on("exit", () => this.#forget(child)).on("error", () => this.#forget(child));
    return child;
  }

  #forget(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
  }
}

/** Sends a call to a process. @throws Error if the process ends before its answer */
async function ask(child: ChildProcess, body: string): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as Answer),
      once(child, "exit", { signal }).then(([code, by]) => Promise.reject(new Error(by ?? `exit code ${code}`))),
      new Promise<never>((_, reject) => child.send(body, (error) => error && reject(error))),
    ]);
  } finally {
    over.abort();
  }
}

function ended(how: string): RequestError {
  return new RequestError(500, `The process of the model ended (${how}). Try again.`);
}
