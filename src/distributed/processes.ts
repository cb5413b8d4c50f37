// The processes that MPI started together: who they are, what they exchange, and how they end.
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { satisfying } from "../arguments.js";
import { decodeError, encodeError, Reported, UserError } from "../errors.js";
import { findLaunch, type Launch } from "./launch.js";
import { type Mpi, startMpi } from "./mpi.js";

/** The part of `count` things that is a process' own, as even as possible: the first ones get one more. */
export interface Share {
  readonly first: number;
  readonly count: number;
}

/** What a process tells the others as it joins. */
interface Member {
  readonly host: string;
  /** Tells hosts of one name apart. */
  readonly boot: string;
  /** The processors that it may use, as Linux lists them. */
  readonly processors: string;
  readonly processorCount: number;
}

/** So long, a process waits for the first one of its host to print an error that both have: its end may end all. */
const PRINTING_MILLISECONDS = 1000;

/** Without this pause, MPICH over UCX hangs in MPI_Finalize now and then. */
const FINAL_PAUSE_MILLISECONDS = 100;

let joined: Promise<Processes | undefined> | undefined;

/**
 * Joins the processes that mpirun or srun has started. They end together: after `close`, a process waits for the
 * others as it exits; without, an error of one ends all.
 *
 * @returns undefined if this process was started alone
 * @throws UserError if MPI does not start
 */
export async function joinProcesses(): Promise<Processes | undefined> {
  const launch = findLaunch(process.env);
  if (!launch) return undefined;
  joined ??= join(launch);
  return joined;
}

async function join(launch: Launch): Promise<Processes | undefined> {
  let mpi: Mpi;
  try {
    checkConnection(process.env.PMI_FD);
    mpi = startMpi(launch.kinds, process.env.VAE_MPI_LIBRARY);
    checkSize(mpi, launch);
  } catch (error) {
    if (launch.localRank > 0) {
      await setTimeout(PRINTING_MILLISECONDS);
      throw new Reported(2);
    }
    if (launch.rank > 0 && error instanceof Error) error.message += ` (process ${launch.rank} on ${hostname()})`;
    throw error;
  }
  if (mpi.size === 1) {
    process.once("exit", () => mpi.finalize());
    return undefined;
  }
  const own: Member = {
    host: hostname(),
    boot: await readSystem("/proc/sys/kernel/random/boot_id"),
    ...(await listProcessors()),
  };
  return new Processes(mpi, exchangeJson(mpi, own));
}

/** @throws UserError if a program in between, such as npx, has closed the connection to MPICH's mpirun */
function checkConnection(descriptor: string | undefined): void {
  if (descriptor === undefined || isSocket(Number(descriptor))) return;
  throw new UserError(
    "npx or another program stands between MPICH's mpirun and vae. Give mpirun the program itself, such as " +
      "node_modules/.bin/vae.",
  );
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false; // it is closed
  }
}

/** @throws UserError if MPI knows of another number of processes than the launcher */
function checkSize({ rank, size, version }: Mpi, launch: Launch): void {
  if (size === (launch.size ?? size) && rank === launch.rank) return;
  const sees = size === 1 ? "only this one" : String(size);
  throw new UserError(
    `${launch.launcher} started ${launch.size ?? "several"} processes, but ${version} sees ${sees}: launcher and ` +
      "library belong to different installations of MPI. Set VAE_MPI_LIBRARY to the library of the launcher; with " +
      "Slurm, choose it by srun --mpi.",
  );
}

async function listProcessors(): Promise<Pick<Member, "processors" | "processorCount">> {
  const status = await readSystem("/proc/self/status");
  const processors = status.match(/^Cpus_allowed_list:\s*(.*)$/m)?.[1] ?? "all";
  return { processors, processorCount: availableParallelism() };
}

/** Empty where it is not Linux. */
function readSystem(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

/** The values of all processes, in their order. */
function exchangeJson<Value>(mpi: Mpi, value: Value): Value[] {
  const bytes = new TextEncoder().encode(JSON.stringify(value ?? null));
  const lengths = new Float64Array(mpi.size);
  mpi.allGather(Float64Array.of(bytes.length), lengths);
  const longest = Math.max(...lengths);
  const padded = new Uint8Array(longest);
  padded.set(bytes);
  const all = new Uint8Array(mpi.size * longest);
  mpi.allGather(padded, all);
  return Array.from(lengths, (length, i) => {
    return JSON.parse(new TextDecoder().decode(all.subarray(i * longest, i * longest + length)));
  });
}

/** An argument or option of the library. */
export const PROCESSES = satisfying(
  "come from joinProcesses",
  (value): value is Processes => value instanceof Processes,
);

/** `processes.agree`; alone, the work itself. */
export async function agree<Result>(
  processes: Processes | undefined,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  return processes ? processes.agree(work) : work();
}

/** `processes.byFirst`; alone, the work itself. */
export async function byFirst<Result>(processes: Processes | undefined, work: () => Promise<Result>): Promise<Result> {
  return processes ? processes.byFirst(work) : work();
}

/** Errors that all processes throw together. */
const agreed = new WeakSet<object>();

/** Processes that work together. What they exchange, they wait for: each of them makes the same calls. */
export class Processes {
  readonly rank: number;
  readonly size: number;
  /** The number of hosts. */
  readonly hosts: number;
  /** The number of this process among those of its host. */
  readonly localRank: number;
  /** The threads for each process that share its host's processors. */
  readonly threads: number;
  #isClosed = false;
  #hasLeft = false;

  constructor(
    readonly mpi: Mpi,
    private readonly members: readonly Member[],
  ) {
    this.rank = mpi.rank;
    this.size = mpi.size;
    const own = members[mpi.rank];
    const hostOf = ({ host, boot }: Member) => `${host} ${boot}`;
    const isNeighbour = (member: Member) => hostOf(member) === hostOf(own);
    const neighbours = members.filter(isNeighbour);
    this.hosts = new Set(members.map(hostOf)).size;
    this.localRank = members.slice(0, mpi.rank).filter(isNeighbour).length;
    const sharing = neighbours.filter(({ processors }) => processors === own.processors).length;
    this.threads = Math.max(1, Math.floor(own.processorCount / sharing));
    // Whatever ends this process without the others ends them too, before Node.js prints an error that nothing caught.
    process.once("uncaughtExceptionMonitor", (error) => {
      if (mpi.rank === 0 || !this.isAgreed(error)) process.stderr.write(`${error?.stack ?? error}\n`);
    });
    process.once("exit", (code) => {
      if (this.#hasLeft || (!this.#isClosed && code !== 0)) return mpi.abort(code || 1);
      mpi.barrier();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FINAL_PAUSE_MILLISECONDS);
      mpi.finalize();
    });
  }

  shareOf(count: number): Share {
    const { rank, size } = this;
    const [least, more] = [Math.floor(count / size), count % size];
    return { first: rank * least + Math.min(rank, more), count: least + (rank < more ? 1 : 0) };
  }

  /** Adds up the arrays of all processes, in place. */
  sum(values: Float32Array | Float64Array): void {
    this.#checkPresence();
    this.mpi.allReduce(values.slice(), values);
  }

  /** The values of all processes, as JSON. */
  exchange<Value>(value: Value): Value[] {
    this.#checkPresence();
    return exchangeJson(this.mpi, value);
  }

  /**
   * Does what may fail in some processes.
   *
   * @param role whether this process does it, waits for those that do and gets undefined, or has done it before
   * @throws in all of them what the first that failed has thrown
   */
  async agree<Result>(
    work: () => Result | Promise<Result>,
    role: "works" | "waits" | "has worked" = "works",
  ): Promise<Result> {
    let result: Result | undefined;
    let own: unknown;
    try {
      if (role === "works") result = await work();
    } catch (error) {
      own = error;
    }
    const outcomes = this.exchange({ role, error: own === undefined ? undefined : encodeError(own) });
    const rank = outcomes.findIndex(({ error }) => error !== undefined);
    const first = outcomes[rank]?.error;
    if (!first) return result as Result;
    const isCommon = outcomes.every(({ role, error }) => role === "waits" || error?.message === first.message);
    if (isCommon) throw this.asAgreed(own instanceof Error ? own : decodeError(first));
    throw this.asAgreed(decodeError({ ...first, message: `${first.message} (${this.#nameOf(rank)})` }));
  }

  /** Lets one process of each host work before the others, which find what it has cached. @throws as `agree` does */
  async byHost<Result>(work: () => Promise<Result>): Promise<Result> {
    const isFirst = this.localRank === 0;
    const result = await this.agree(work, isFirst ? "works" : "waits");
    const later = await this.agree(work, isFirst ? "has worked" : "works");
    return isFirst ? result : later;
  }

  /** Lets process 0 do something for all. @throws as `agree` does */
  async byFirst<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.exchange(await this.agree(work, this.rank === 0 ? "works" : "waits"))[0];
  }

  /** @throws UserError in all processes that names the first of these texts that differs, and where */
  checkSame(texts: { readonly [name: string]: string }): void {
    const [first, ...others] = this.exchange(texts);
    for (const [i, other] of others.entries()) {
      const name = Object.keys(first).find((name) => first[name] !== other[name]);
      if (name === undefined) continue;
      const differs = `${this.#nameOf(i + 1)} differs from ${this.#nameOf(0)} in ${name}`;
      throw this.asAgreed(
        new UserError(
          `The processes cannot work together: ${differs}. Start all with the same settings, data and version.`,
        ),
      );
    }
  }

  /** Marks an error that all processes throw together. */
  asAgreed<Thrown extends Error>(error: Thrown): Thrown {
    agreed.add(error);
    return error;
  }

  /** Whether all processes throw this error together. If not, the others wait for this one. */
  isAgreed(error: unknown): boolean {
    return typeof error === "object" && error !== null && agreed.has(error);
  }

  /** Names this process in an error of its own. */
  locate(error: unknown): unknown {
    if (error instanceof Error && this.rank > 0) {
      const value = `${error.message} (${this.#nameOf(this.rank)})`;
      Object.defineProperty(error, "message", { value }); // that of a DOMException cannot be set
    }
    return error;
  }

  /** From now on this process ends with the others, whatever its exit code. */
  close(): void {
    this.#isClosed = true;
  }

  /** This process no longer takes part in what the others may continue: it can only end, and ends them too. */
  leave(): void {
    this.#hasLeft = true;
  }

  #checkPresence(): void {
    if (this.#hasLeft)
      throw new Error("This process left a joint training and must exit. To stop early, abort `signal`");
  }

  #nameOf(rank: number): string {
    return `process ${rank} on ${this.members[rank].host}`;
  }
}
