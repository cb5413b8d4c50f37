// Processes of explored models: one for each run. The least recently used idle one ends.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
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
/** Calls without an answer yet, each with its body in memory. */
const MAX_CALLS = 100;
/** Time for an answer. The first of a process includes that of reading the data. */
const MAX_SECONDS = 300;
const PROGRAM = fileURLToPath(new URL("./model-process.js", import.meta.url));

export class ModelProcesses implements Models {
  /** By run, the least recently used first. */
  readonly #processes = new Map<string, ModelProcess>();
  #calls = 0;
  #isClosed = false;

  /** @param threads of each engine */
  constructor(
    readonly threads: number,
    readonly maxSeconds = MAX_SECONDS,
  ) {}

  async call(run: string, body: string, signal: AbortSignal): Promise<string> {
    if (this.#calls >= MAX_CALLS) throw new RequestError(503, "The model has too much to do. Try again.");
    this.#calls++;
    try {
      while (!this.#processes.has(run) && this.#processes.size >= MAX_PROCESSES) await this.#endOne();
      signal.throwIfAborted();
      if (this.#isClosed) throw ended("was closed");
      // Without a pause from here on, so that no other call ends the process before it is busy.
      const used = this.#processes.get(run) ?? new ModelProcess(run, this);
      this.#processes.delete(run);
      this.#processes.set(run, used);
      return await used.call(body, signal);
    } finally {
      this.#calls--;
    }
  }

  /** Ends the process that was idle for longest. If none is idle, waits until one has answered. */
  async #endOne(): Promise<void> {
    for (const [run, process] of this.#processes) {
      if (!process.isIdle) continue;
      process.close();
      this.#processes.delete(run);
      return;
    }
    await Promise.race([...this.#processes.values()].map((process) => process.whenAnswered()));
  }

  close(): void {
    this.#isClosed = true;
    for (const process of this.#processes.values()) process.close();
    this.#processes.clear();
  }
}

interface ProcessOptions {
  readonly threads: number;
  readonly maxSeconds: number;
}

/** A process that starts with the first call, and again with the next one after it died. Answers calls in turn. */
class ModelProcess {
  #child: ChildProcess | undefined;
  /** The last call in the queue. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(
    readonly run: string,
    readonly options: ProcessOptions,
  ) {}

  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Waits until the present calls are answered. */
  async whenAnswered(): Promise<void> {
    await this.#last;
  }

  async call(body: string, signal: AbortSignal): Promise<string> {
    this.#waiting++;
    const send = () => {
      signal.throwIfAborted();
      return this.#send(body);
    };
    const answer = this.#last.then(send).finally(() => this.#waiting--);
    this.#last = answer.catch(() => {});
    return answer;
  }

  close(): void {
    this.#isClosed = true;
    this.#child?.kill();
  }

  async #send(body: string): Promise<string> {
    if (this.#isClosed) throw ended("was closed");
    this.#child ??= this.#start();
    const child = this.#child;
    const answer = await ask(child, body, this.options.maxSeconds).catch((error) => {
      child.kill("SIGKILL"); // A late answer would be matched to the next call
      this.#forget(child);
      throw ended(error.message);
    });
    if ("error" in answer) throw decodeError(answer.error);
    return answer.json;
  }

  #start(): ChildProcess {
    const child = fork(PROGRAM, [this.run, String(this.options.threads)], { serialization: "advanced" });
    child.on("exit", () => this.#forget(child)).on("error", () => this.#forget(child));
    return child;
  }

  #forget(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
  }
}

/** Sends a call to a process. @throws Error if the process ends before its answer, or takes too long */
async function ask(child: ChildProcess, body: string, maxSeconds: number): Promise<Answer> {
  const done = new AbortController();
  const { signal } = done;
  const fail = (reason: string) => Promise.reject(new Error(reason));
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as Answer),
      once(child, "exit", { signal }).then(([code, by]) => fail(by ?? `exit code ${code}`)),
      setTimeout(1000 * maxSeconds, undefined, { signal }).then(() => fail(`no answer within ${maxSeconds} seconds`)),
      new Promise<never>((_, reject) => child.send(body, (error) => error && reject(error))),
    ]);
  } finally {
    done.abort();
  }
}

function ended(how: string): RequestError {
  return new RequestError(500, `The process of the model ended (${how}). Try again.`);
}
