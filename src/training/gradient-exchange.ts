// How processes pass gradients and weights to one another in every step: by messages or, on one host, by memory that
// they share, which saves most of the copies.
import { statfsSync } from "node:fs";
import type { Processes } from "../distributed/processes.js";
import type { AdamInPlace } from "./optimizer/adam-in-place.js";

/** Arrays of equal slices, one for each process. */
export interface GradientExchange {
  /** All weights, the same in all processes: the engine reads them. */
  readonly weights: Float32Array;
  /** The gradients of this process: the engine writes them. */
  readonly gradients: Float32Array;
  /** Adds up the gradients of all processes for the slice of this one. */
  reduce(adam: AdamInPlace): void;
  /** Passes the slice of this process to all. */
  publish(slice: Float32Array): void;
}

/** @param slice its length */
export function openExchange(processes: Processes, slice: number): GradientExchange {
  const length = processes.size * slice;
  const bytes = 4 * length * (processes.size + 1);
  const isShared = processes.hosts === 1 && processes.exchange(freeSharedBytes() > 2 * bytes).every(Boolean);
  return isShared ? shareMemory(processes, slice) : passMessages(processes, length);
}

/** The memory that Linux has for sharing: in containers often 64 MiB. */
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
      mpi.barrier(); // all have written their gradients, and read the weights
      adam.sumGradients(arrays.map((gradients) => gradients.subarray(first, first + slice)));
    },
    publish: (values) => {
      weights.set(values, first);
      mpi.barrier(); // all have written their weights, and read the gradients
    },
  };
}
