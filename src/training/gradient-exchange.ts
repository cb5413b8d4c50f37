// Exchanges gradients and weights between processes in every step: by messages or, on a single host, by shared memory,
// which saves most copies.
import { statfsSync } from "node:fs";
import type { Processes } from "../distributed/processes.js";
import type { AdamInPlace } from "./optimizer/adam-in-place.js";

/** Both arrays consist of equal slices, one for each process. */
export interface GradientExchange {
  /** All weights, equal in all processes. Read by the engine. */
  readonly weights: Float32Array;
  /** This process' gradients of all weights. Written by the engine. */
  readonly gradients: Float32Array;
  /** Sums the gradients of all processes for this process' slice, into `adam.gradients`. */
  reduce(adam: AdamInPlace): void;
  /** Copies this process' slice of the weights to all processes. */
  publish(slice: Float32Array): void;
}

/** Uses shared memory if all processes are on one host with enough of it. @param slice the length of a slice */
export function openExchange(processes: Processes, slice: number): GradientExchange {
  const length = processes.size * slice;
  const bytes = 4 * length * (processes.size + 1);
  const isShared = processes.hosts === 1 && processes.exchange(freeSharedBytes() > 2 * bytes).every(Boolean);
  return isShared ? shareMemory(processes, slice) : passMessages(processes, length);
}

/** Free bytes of shared memory on Linux, often 64 MiB in containers; 0 elsewhere. */
function freeSharedBytes(): number {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    return bavail * bsize;
  } catch {
    return 0;
  }
}

function passMessages({ mpi }: Processes, length: number): GradientExchange {
  const [weights, gradients] = [new Float32Array(length), new Float32Array(length)];
  return {
    weights,
    gradients,
    reduce: (adam) => mpi.reduceScatter(gradients, adam.gradients),
    publish: (slice) => mpi.allGather(slice, weights),
  };
}

function shareMemory({ mpi, rank, size }: Processes, slice: number): GradientExchange {
  const length = size * slice;
  const arrays = mpi.shareMemory(Array.from({ length: size }, (_, r) => (r === 0 ? 2 * length : length)));
  const weights = arrays[0].subarray(length);
  const first = rank * slice;
  return {
    weights,
    gradients: arrays[rank].subarray(0, length),
    reduce: (adam) => {
      mpi.barrier(); // until all have written their gradients and read the weights
      adam.sumGradients(arrays.map((gradients) => gradients.subarray(first, first + slice)));
    },
    publish: (values) => {
      weights.set(values, first);
      mpi.barrier(); // until all have written their weights and read the gradients
    },
  };
}
