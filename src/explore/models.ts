// Processes of explored models: one for each run, the least recently used ends.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { decodeError } from "../errors.js";
import type { Answer } from "./model-process.js";

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

/** A process that starts with the first call, and again with the next one after it died. */
class ModelProcess {
  #child: ChildProcess | undefined;
  /** The last call in the queue. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly run: string,
    readonly threads: number,
  ) {}

  call(body: string, signal: AbortSignal): Promise<string> {
    const answer = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#send(body);
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  close(): void {
    this.#child?.kill();
  }

  async #send(body: string): Promise<string> {
    this.#child ??= this.#start();
    const child = this.#child;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const settle = (act: () => void) => {
        child.removeAllListeners("message").off("exit", onExit).off("error", onError);
        act();
      };
      const onExit = (code: number | null, signal: string | null) =>
        settle(() =>
          reject(new ModelProcessError(`The model's process ended (${signal ?? `exit code ${code}`}). Try again.`)),
        );
      const onError = (error: Error) =>
        settle(() => reject(new ModelProcessError(`The model's process failed (${error.message}). Try again.`)));
      child.once("message", (message) => settle(() => resolve(message as Answer)));
      child.once("exit", onExit).once("error", onError);
      child.send(body, (error) => error && onError(error));
    });
    if ("error" in answer) throw decodeError(answer.error);
    return answer.json;
  }

  #start(): ChildProcess {
    const child = fork(PROGRAM, [this.run, String(this.threads)], { serialization: "advanced" });
    const forget = () => {
      if (this.#child === child) this.#child = undefined;
    };
    child.on("exit", forget).on("error", forget);
    return child;
  }
}

/** The process of a model has died. */
export class ModelProcessError extends Error {}
