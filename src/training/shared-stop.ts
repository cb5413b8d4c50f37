// Stops a training in all processes after the same step, if one of them was asked to stop.
import type { Processes } from "../distributed/processes.js";
import { decodeError, encodeError } from "../errors.js";

/** A stop request that takes effect in all processes together. */
export class SharedStop {
  readonly #controller = new AbortController();

  /** @param own aborts when this process is asked to stop */
  constructor(
    readonly processes: Processes,
    private readonly own?: AbortSignal,
  ) {}

  /** Aborts in all processes together. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether this process was asked to stop. */
  get isAsked(): boolean {
    return this.own?.aborted === true;
  }

  /** Aborts in all processes if one of them was asked to stop. Collective. */
  agree(): void {
    const votes = Float64Array.of(Number(this.isAsked));
    this.processes.sum(votes);
    if (votes[0] > 0) this.abort();
  }

  /** Aborts with the reason of the first process that was asked to stop. Collective. */
  abort(): void {
    const reasons = this.processes.exchange(this.isAsked ? encodeError(this.own?.reason) : null);
    const first = reasons.find((reason) => reason !== null);
    if (!first) return;
    const own: unknown = this.own?.reason;
    const reason = this.isAsked && own instanceof Error ? own : decodeError(first);
    this.#controller.abort(this.processes.asAgreed(reason));
  }
}
