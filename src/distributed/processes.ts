// The processes of an MPI job: identity, agreement on errors and values, and joint exit.
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { satisfying } from "../arguments.js";
import { decodeError, encodeError, Reported, UserError } from "../errors.js";
import { findLaunch, type Launch } from "./launch.js";
import { type Mpi, startMpi } from "./mpi.js";

/** The contiguous part of a list that one process handles. Shares differ by at most one: the first are larger. */
export interface Share {
  readonly first: number;
  readonly count: number;
}

/** Sent to the other processes on joining. */
interface Member {
  readonly host: string;
  /** Linux's boot id, which distinguishes hosts of the same name. */
  readonly boot: string;
  /** The processors that it may use, in Linux's list format. */
  readonly processors: string;
  readonly processorCount: number;
}

/** Time for the first process of a host to print a common error, before the end of another one kills it. */
const PRINTING_MILLISECONDS = 1000;

/** Without this pause, MPICH over UCX occasionally hangs in MPI_Finalize. */
const FINAL_PAUSE_MILLISECONDS = 100;

let joined: Promise<Processes | undefined> | undefined;

/**
 * Joins the processes that mpirun or srun started. They end together: after `close`, an exiting process waits for the
 * others; before, an error in one process ends all.
 *
 * @returns undefined if this is the only process
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

/** @throws UserError if a wrapper, such as npx, has closed the connection to MPICH's mpirun */
function checkConnection(descriptor: string | undefined): void {
  if (descriptor === undefined || isSocket(Number(descriptor))) return;
  throw new UserError(
    "npx or another wrapper has closed the connection to MPICH's mpirun. Give mpirun the program itself, such as " +
      "node_modules/.bin/vae.",
  );
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false; // closed
  }
}

/** @throws UserError if MPI and the launcher disagree on rank or size */
function checkSize({ rank, size, version }: Mpi, launch: Launch): void {
  if (size === (launch.size ?? size) && rank === launch.rank) return;
  const found = size === 1 ? "only this one" : String(size);
  throw new UserError(
    `${launch.launcher} started ${launch.size ?? "several"} processes, but ${version} sees ${found}: launcher and ` +
      "library belong to different installations of MPI. Set VAE_MPI_LIBRARY to the launcher's library; with " +
      "Slurm, select it by srun --mpi.",
  );
}

async function listProcessors(): Promise<Pick<Member, "processors" | "processorCount">> {
  const status = await readSystem("/proc/self/status");
  const processors = status.match(/^Cpus_allowed_list:\s*(.*)$/m)?.[1] ?? "all";
  return { processors, processorCount: availableParallelism() };
}

/** Empty on other systems than Linux. */
function readSystem(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

/** Gathers the values of all processes, by rank, as JSON. */
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

/** Checks the option `processes`. */
export const PROCESSES = satisfying(
  "come from joinProcesses",
  (value): value is Processes => value instanceof Processes,
);

/** `processes.agree(work)`, or just `work()` in a single process. */
export async function agree<Result>(
  processes: Processes | undefined,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  return processes ? processes.agree(work) : work();
}

/** `processes.byFirst(work)`, or just `work()` in a single process. */
export async function byFirst<Result>(processes: Processes | undefined, work: () => Promise<Result>): Promise<Result> {
  return processes ? processes.byFirst(work) : work();
}

/** Errors that all processes throw at the same point. */
const agreed = new WeakSet<object>();

/** The processes of a job. Methods that exchange values block until all processes call them, in the same order. */
export class Processes {
  readonly rank: number;
  readonly size: number;
  /** The number of hosts. */
  readonly hosts: number;
  /** This process' number on its host. */
  readonly localRank: number;
  /** Processors for each process: those of the host, divided among the processes that may use them. */
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
    // An unexpected end of this process ends the others too. Its error is printed here, since abort() precedes Node.js'
    // own message.
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

  /** This process' share of `count` items. */
  shareOf(count: number): Share {
    const { rank, size } = this;
    const [least, more] = [Math.floor(count / size), count % size];
    return { first: rank * least + Math.min(rank, more), count: least + (rank < more ? 1 : 0) };
  }

  /** Sums the arrays of all processes, in place. */
  sum(values: Float32Array | Float64Array): void {
    this.#checkPresence();
    this.mpi.allReduce(values.slice(), values);
  }

  /** Gathers the values of all processes, by rank. They are passed as JSON. */
  exchange<Value>(value: Value): Value[] {
    this.#checkPresence();
    return exchangeJson(this.mpi, value);
  }

  /**
   * Runs work that may fail in some processes.
   *
   * @param role "works" runs it; "waits" skips it and returns undefined; "has worked" did it in an earlier call
   * @throws in all processes, the error of the lowest rank that failed
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

  /** Runs work in one process of each host first, so that the others find its cache filled. @throws as `agree` */
  async byHost<Result>(work: () => Promise<Result>): Promise<Result> {
    const isFirst = this.localRank === 0;
    const result = await this.agree(work, isFirst ? "works" : "waits");
    const later = await this.agree(work, isFirst ? "has worked" : "works");
    return isFirst ? result : later;
  }

  /** Runs work in process 0 and gives all processes its result, as JSON. @throws as `agree` */
  async byFirst<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.exchange(await this.agree(work, this.rank === 0 ? "works" : "waits"))[0];
  }

  /** @throws UserError in all processes, if one of these texts differs between them: its name, and where */
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

  /** Marks an error as thrown by all processes at the same point. */
  asAgreed<Thrown extends Error>(error: Thrown): Thrown {
    agreed.add(error);
    return error;
  }

  /** Whether all processes throw this error at the same point. If not, the others are blocked and must be ended. */
  isAgreed(error: unknown): boolean {
    return typeof error === "object" && error !== null && agreed.has(error);
  }

  /** Appends this process' name to the message of an error. */
  locate(error: unknown): unknown {
    if (error instanceof Error && this.rank > 0) {
      const value = `${error.message} (${this.#nameOf(this.rank)})`;
      Object.defineProperty(error, "message", { value }); // the message of a DOMException has no setter
    }
    return error;
  }

  /** From now on, this process waits for the others on exit, whatever its exit code. */
  close(): void {
    this.#isClosed = true;
  }

  /** Leaves joint work that the others may continue. From now on, this process can only exit, which ends the others. */
  leave(): void {
    this.#hasLeft = true;
  }

  #checkPresence(): void {
    if (this.#hasLeft)
      throw new Error("This process left a joint training and must exit. To stop a training early, abort `signal`");
  }

  #nameOf(rank: number): string {
    return `process ${rank} on ${this.members[rank].host}`;
  }
}
