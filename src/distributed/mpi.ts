// MPI, called through koffi: the library of Open MPI (4 and 5) or of MPICH (4, and others of its ABI). The only file
// that knows them.
import { createRequire } from "node:module";
import { platform } from "node:os";
import { env } from "node:process";
import { UserError } from "../errors.js";

/** Numbers that processes exchange. */
type Numbers = Float32Array | Float64Array | Uint8Array;

/** All processes of MPI_COMM_WORLD. Each method waits until all of them have called it. */
export interface Mpi {
  readonly rank: number;
  readonly size: number;
  /** Such as "Open MPI v4.1.4". */
  readonly version: string;
  /** Adds up the arrays of all processes: `sum` receives the result in each of them. */
  allReduce<Sum extends Float32Array | Float64Array>(values: Sum, sum: Sum): void;
  /** Adds up arrays of size × n numbers: process r receives numbers r·n to r·n + n. */
  reduceScatter(values: Float32Array, sum: Float32Array): void;
  /** Joins arrays of n numbers, in the order of the processes. */
  allGather<Values extends Numbers>(values: Values, joined: Values): void;
  /** Copies the array of process 0 to all others. */
  broadcast(values: Numbers): void;
  barrier(): void;
  /**
   * Memory that all processes, which are of one host, share: one array for each, `counts` numbers long. The same again
   * for the same counts.
   */
  shareMemory(counts: readonly number[]): Float32Array<ArrayBuffer>[];
  /** Ends all processes. Needs no other. */
  abort(exitCode: number): void;
  finalize(): void;
}

export type MpiKind = "openmpi" | "mpich";

/** The names of libraries on Linux and macOS. */
const LIBRARIES: Record<MpiKind, readonly string[]> = {
  openmpi: ["libmpi.so.40", "libmpi.40.dylib"],
  mpich: ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"],
};

/** Handles of MPICH's ABI, integers; those of Open MPI are addresses of these symbols. */
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
/** MPICH crashes on the 128 KiB that koffi gives a call. */
const STACK_BYTES = 8 << 20;
/** RTLD_NOW, RTLD_GLOBAL and RTLD_NODELETE: Open MPI's plugins need its symbols, and it crashes if it is unloaded. */
const DLOPEN_FLAGS = platform() === "darwin" ? 0x8a : 0x1102;

/**
 * Loads the first library that is installed, and initializes it.
 *
 * @param kinds implementations, the likeliest first
 * @param place a library's file, to be taken instead
 * @throws UserError if koffi or all libraries are missing, or MPI does not start
 */
export function startMpi(kinds: readonly MpiKind[], place?: string): Mpi {
  const koffi = loadKoffi();
  env.UCX_MEM_EVENTS ??= "n"; // UCX would overwrite the code of mmap and munmap, which threads of Node.js run meanwhile
  const candidates = place === undefined ? kinds.flatMap((kind) => LIBRARIES[kind]) : [place];
  const open = koffi.load(null).func("void *dlopen(const char *, int)");
  const file = candidates.find((file) => open(file, DLOPEN_FLAGS) !== null);
  if (file === undefined) {
    throw new UserError(
      place === undefined
        ? `There is no library of MPI (tried: ${candidates.join(", ")}). Install that of the launcher, or set ` +
            "VAE_MPI_LIBRARY to its file."
        : `VAE_MPI_LIBRARY is ${place}, which cannot be loaded. Give the path of an MPI library.`,
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
  // Open MPI takes three times as long for MPI_Reduce_scatter_block.
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
      const [window, place] = [[null], [null]];
      winAllocateShared(4 * counts[rank], 4, handleOf("noInfo"), world, place, window);
      windows.push(window);
      const arrays = counts.map((count, r) => {
        winSharedQuery(window[0], r, [0], [0], place);
        return new Float32Array(koffi.view(place[0], 4 * count));
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

/** Open MPI's libraries have its symbols; all others are of MPICH's ABI. */
function kindOf(library: ReturnType<Koffi["load"]>): MpiKind {
  try {
    library.symbol(HANDLES.world.openmpi, "char");
    return "openmpi";
  } catch {
    return "mpich";
  }
}
