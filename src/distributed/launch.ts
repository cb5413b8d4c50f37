// What the environment says of the launcher of several processes: mpirun, mpiexec or srun.
import type { MpiKind } from "./mpi.js";

export interface Launch {
  readonly rank: number;
  /** Undefined if the launcher does not say. */
  readonly size: number | undefined;
  /** What started the processes. */
  readonly launcher: string;
  /** Implementations of MPI, the likeliest first. */
  readonly kinds: readonly MpiKind[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables with the number of a process and the number of all processes. mpirun may run within a job of Slurm. */
const LAUNCHERS: readonly (Pick<Launch, "launcher" | "kinds"> & { readonly variables: readonly [string, string] })[] = [
  {
    launcher: "Open MPI's mpirun",
    kinds: ["openmpi", "mpich"],
    variables: ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  },
  { launcher: "MPICH's mpirun or srun", kinds: ["mpich", "openmpi"], variables: ["PMI_RANK", "PMI_SIZE"] },
  { launcher: "srun", kinds: ["openmpi", "mpich"], variables: ["PMIX_RANK", "SLURM_NTASKS"] },
  { launcher: "srun", kinds: ["openmpi", "mpich"], variables: ["SLURM_PROCID", "SLURM_NTASKS"] },
];

/** Finds the launcher of this process, unless it started only this one. */
export function findLaunch(env: Environment): Launch | undefined {
  for (const { variables, ...launch } of LAUNCHERS) {
    const [rank, size] = variables.map((name) => (env[name] ? Number(env[name]) : undefined));
    if (rank === undefined || (size === undefined && variables[0] !== "PMIX_RANK")) continue;
    return size === 1 ? undefined : { rank, size, ...launch };
  }
  return undefined;
}
