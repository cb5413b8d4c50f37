// Calls MPI through koffi: Open MPI (4 and 5), or MPICH (4) and others of its ABI. The only file that uses either.
import { createRequire } from "node:module";
import { platform } from "node:os";
import { env } from "node:process";
import { UserError } from "../errors.js";

/** Arrays that processes can exchange. */
type Numbers = Float32Array | Float64Array | Uint8Array;

/** Collective operations on MPI_COMM_WORLD: each blocks until all processes have called it. */
export interface Mpi {
  readonly rank: number;
  readonly size: number;
  /** For example "Open MPI v4.1.4". */
  readonly version: string;
  /** Sums the arrays of all processes into `sum` of each process. */
  allReduce<Sum extends Float32Array | Float64Array>(values: Sum, sum: Sum): void;
  /** Sums arrays of size × n numbers. Process r receives elements r·n to r·n + n. */
  reduceScatter(values: Float32Array, sum: Float32Array): void;
  /** Concatenates the arrays of all processes, n numbers each, by rank. */
  allGather<Values extends Numbers>(values: Values, joined: Values): void;
  /** Copies the array of process 0 to all others. */
  broadcast(values: Numbers): void;
  barrier(): void;
  /**
   * Shared memory of processes on one host: an array for each process, `counts` numbers long. Repeated calls with the
   * same counts return the same arrays.
   */
  shareMemory(counts: readonly number[]): Float32Array<ArrayBuffer>[];
  /** Ends all processes. Not collective. */
  abort(exitCode: number): void;
  finalize(): void;
}

export type MpiKind = "openmpi" | "mpich";

/** Library file names on Linux and macOS. */
const LIBRARIES: Record<MpiKind, readonly string[]> = {
  openmpi: ["libmpi.so.40", "libmpi.40.dylib"],
  mpich: ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"],
};

/** MPI handles: integers in MPICH's ABI, addresses of symbols in Open MPI. */
const HANDLES = {
  world: { mpich: 0x44000000, openmpi: "ompi_mpi_comm_world" },
  bytes: { mpich: 0x4c00010d, openmpi: "ompi_mpi_byte" },
  float32: { mpich: 0x4c00040a, openmpi: "ompi_mpi_float" },
  float64: { mpich: 0x4c00080b, openmpi: "ompi_mpi_double" },
  sum: { mpich: 0x58000003, openmpi: "ompi_mpi_op_sum" },
  noInfo: { mpich: 0x1c000000, openmpi: "ompi_mpi_info_null" },
};

const THREAD_FUNNELED = 1;
const MAX_VERSION_BYTES = 8192;
/** The stack of calls into the library. MPICH crashes on koffi's default of 128 KiB. */
const STACK_BYTES = 8 << 20;
/** RTLD_NOW, RTLD_GLOBAL (Open MPI's plugins need its symbols) and RTLD_NODELETE (it crashes if unloaded). */
const DLOPEN_FLAGS = platform() === "darwin" ? 0x8a : 0x1102;

/**
 * Loads and initializes the first MPI library that is installed.
 *
 * @param kinds implementations to try, most likely first
 * @param requested loads this library file instead
 * @throws UserError if koffi or all libraries are missing, or MPI does not start
 */
export function startMpi(kinds: readonly MpiKind[], requested?: string): Mpi {
  const koffi = loadKoffi();
  env.UCX_MEM_EVENTS ??= "n"; // keeps UCX from patching mmap and munmap while Node.js threads run them
  const candidates = requested === undefined ? kinds.flatMap((kind) => LIBRARIES[kind]) : [requested];
  const open = koffi.load(null).func("void *dlopen(const char *, int)");
  const file = candidates.find((file) => open(file, DLOPEN_FLAGS) !== null);
  if (file === undefined) {
    throw new UserError(
      requested === undefined
        ? `No MPI library is installed (tried: ${candidates.join(", ")}). Install the launcher's, or set ` +
            "VAE_MPI_LIBRARY to its path."
        : `VAE_MPI_LIBRARY is ${requested}, which cannot be loaded. Give the path of an MPI library.`,
    );
  }
  const library = koffi.load(file, { global: true, lazy: true });
  return initialize(koffi, library, file);
}

type Koffi = typeof import("koffi");

function loadKoffi(): Koffi {
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)("koffi");
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split("\n");
    throw new UserError(
      `Several processes need the package koffi, which does not load here (${reason}). Where vae is installed, run ` +
        "npm install --no-save koffi@3.3.4",
    );
  }
  koffi.config({ ...koffi.config(), sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  return koffi;
}

function initialize(koffi: Koffi, library: ReturnType<Koffi["load"]>, file: string): Mpi {
  const kind = kindOf(library);
  const handle = kind === "mpich" ? "int" : "void *";
  const handleOf = (name: keyof typeof HANDLES) => {
    const { mpich, openmpi } = HANDLES[name];
    return kind === "mpich" ? mpich : library.symbol(openmpi, "char");
  };
  const declare = (name: string, ...types: unknown[]) => {
    const fn = library.func(name, "int", types as string[]);
    return (...values: unknown[]) => {
      const code = fn(...values);
      if (code !== 0) throw new UserError(`${name} of ${file} failed with code ${code}.`);
    };
  };
  const init = declare("MPI_Init_thread", "void *", "void *", "int", koffi.out("int *"));
  const commRank = declare("MPI_Comm_rank", handle, koffi.out("int *"));
  const commSize = declare("MPI_Comm_size", handle, koffi.out("int *"));
  const libraryVersion = declare("MPI_Get_library_version", "void *", koffi.out("int *"));
  const allReduce = declare("MPI_Allreduce", "void *", "void *", "int", handle, handle, handle);
  // In Open MPI, MPI_Reduce_scatter_block takes three times as long.
  const reduceScatter = declare("MPI_Reduce_scatter", "void *", "void *", "void *", handle, handle, handle);
  const allGather = declare("MPI_Allgather", "void *", "int", handle, "void *", "int", handle, handle);
  const broadcast = declare("MPI_Bcast", "void *", "int", handle, "int", handle);
  const barrier = declare("MPI_Barrier", handle);
  const winAllocateShared = declare(
    "MPI_Win_allocate_shared",
    ...["intptr_t", "int", handle, handle, koffi.out("void **"), koffi.out(`${handle} *`)],
  );
  const winSharedQuery = declare(
    "MPI_Win_shared_query",
    ...[handle, "int", koffi.out("intptr_t *"), koffi.out("int *"), koffi.out("void **")],
  );
  const winFree = declare("MPI_Win_free", koffi.inout(`${handle} *`));
  const abort = declare("MPI_Abort", handle, "int");
  const finalize = declare("MPI_Finalize");

  const [world, sum, bytes, float32, float64] = (["world", "sum", "bytes", "float32", "float64"] as const).map(
    handleOf,
  );
  const typeOf = (values: Numbers) =>
    values instanceof Float32Array ? float32 : values instanceof Float64Array ? float64 : bytes;
  const out = [0];
  init(null, null, THREAD_FUNNELED, out);
  const ask = (function_: (...values: unknown[]) => void) => {
    function_(world, out);
    return out[0];
  };
  const text = new Uint8Array(MAX_VERSION_BYTES);
  libraryVersion(text, out);
  const version = Buffer.from(text.subarray(0, out[0])).toString();
  const [rank, size] = [ask(commRank), ask(commSize)];
  const windows: unknown[][] = [];
  const memories = new Map<string, Float32Array<ArrayBuffer>[]>();
  return {
    rank,
    size,
    version: version
      .split(/[,\n\0]/)[0]
      .replace("Version:", "")
      .replaceAll(/\s+/g, " ")
      .trim(),
    allReduce: (values, total) => allReduce(values, total, values.length, typeOf(values), sum, world),
    reduceScatter: (values, total) => {
      reduceScatter(values, total, new Int32Array(size).fill(total.length), float32, sum, world);
    },
    allGather: (values, joined) =>
      allGather(values, values.length, typeOf(values), joined, values.length, typeOf(values), world),
    broadcast: (values) => broadcast(values, values.length, typeOf(values), 0, world),
    barrier: () => barrier(world),
    shareMemory: (counts) => {
      const known = memories.get(String(counts));
      if (known) return known;
      const [window, address] = [[null], [null]];
      winAllocateShared(4 * counts[rank], 4, handleOf("noInfo"), world, address, window);
      windows.push(window);
      const arrays = counts.map((count, r) => {
        winSharedQuery(window[0], r, [0], [0], address);
        return new Float32Array(koffi.view(address[0], 4 * count));
      });
      memories.set(String(counts), arrays);
      return arrays;
    },
    abort: (exitCode) => abort(world, exitCode),
    finalize: () => {
      for (const window of windows) winFree(window);
      finalize();
    },
  };
}

/** Recognizes Open MPI by its symbols. Any other library has MPICH's ABI. */
function kindOf(library: ReturnType<Koffi["load"]>): MpiKind {
  try {
    library.symbol(HANDLES.world.openmpi, "char");
    return "openmpi";
  } catch {
    return "mpich";
  }
}
