// Detects the launcher of several processes (mpirun, mpiexec or srun) from environment variables.
import type { MpiKind } from "./mpi.js";

/** This process' part in a launch of several. */
export interface Launch {
  readonly rank: number;
  /** The number of processes. Undefined if the launcher does not say. */
  readonly size: number | undefined;
  /** This process' number on its host, or 0 if the launcher does not say. */
  readonly localRank: number;
  /** For messages. */
  readonly launcher: string;
  /** MPI implementations to try, most likely first. */
  readonly kinds: readonly MpiKind[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of rank and size. mpirun comes first, because it may run inside a Slurm job. SLURM_NTASKS is not used:
 * the job script, a single process, sees it too.
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

/** Finds the launcher of this process. Undefined if there is none, or it started a single process. */
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
