// What the environment says of the launcher of several processes: mpirun, mpiexec or srun.
import type { MpiKind } from "./mpi.js";

export interface Launch {
  readonly rank: number;
  /** Undefined if the launcher does not say. */
  readonly size: number | undefined;
  /** The number of this process among those of its host, or 0 if the launcher does not say. */
  readonly localRank: number;
  /** What started the processes. */
  readonly launcher: string;
  /** Implementations of MPI, the likeliest first. */
  readonly kinds: readonly MpiKind[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables with the number of a process and the number of all processes. mpirun may run within a job of Slurm, whose
 * script itself is one process, although SLURM_NTASKS announces more.
 */
const LAUNCHERS: readonly (Pick<Launch, "launcher" | "kinds"> & { readonly variables: readonly [string, string] })[] = [
  {
    launcher: "Open MPI's mpirun",
    kinds: ["openmpi", "mpich"],
    variables: ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  },
  { launcher: "MPICH's mpirun or srun", kinds: ["mpich", "openmpi"], variables: ["PMI_RANK", "PMI_SIZE"] },
  { launcher: "srun", kinds: ["openmpi", "mpich"], variables: ["PMIX_RANK", "SLURM_STEP_NUM_TASKS"] },
  { launcher: "srun", kinds: ["openmpi", "mpich"], variables: ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS"] },
];

const LOCAL_RANKS = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];

/** Finds the launcher of this process, unless it started only this one. */
export function findLaunch(env: Environment): Launch | undefined {
  for (const { variables, ...launch } of LAUNCHERS) {
    const [rank, size] = variables.map((name) => (env[name] ? Number(env[name]) : undefined));
    if (rank === undefined || (size === undefined && variables[0] !== "PMIX_RANK")) continue;
    const local = LOCAL_RANKS.find((name) => env[name]);
    const localRank = local === undefined ? 0 : Number(env[local]);
    return size === 1 ? undefined : { rank, size, localRank, ...launch };
  }
  return undefined;
}
