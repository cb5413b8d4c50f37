import { describe, expect, it } from "vitest";
import { findLaunch } from "../../src/distributed/launch.js";

describe("findLaunch", () => {
  it.each([
    [{ OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4", PMIX_RANK: "1" }, [1, 4, "openmpi"]],
    [{ PMI_RANK: "0", PMI_SIZE: "2" }, [0, 2, "mpich"]],
    [{ PMIX_RANK: "3", SLURM_PROCID: "3", SLURM_STEP_NUM_TASKS: "8" }, [3, 8, "openmpi"]],
    [{ PMIX_RANK: "3" }, [3, undefined, "openmpi"]],
    [{ SLURM_PROCID: "7", SLURM_STEP_NUM_TASKS: "8" }, [7, 8, "openmpi"]],
    // mpirun inside a Slurm job of one task
    [
      { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "1", OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_SIZE: "4" },
      [2, 4, "openmpi"],
    ],
  ])("finds %o", (env, [rank, size, kind]) => {
    const launch = findLaunch(env);
    expect([launch?.rank, launch?.size, launch?.kinds[0]]).toEqual([rank, size, kind]);
  });

  it.each([
    {},
    { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "1" },
    { PMI_RANK: "0", PMI_SIZE: "1" },
    { SLURM_PROCID: "0", SLURM_NTASKS: "1", SLURM_STEP_NUM_TASKS: "1" },
    { SLURM_PROCID: "0", SLURM_NTASKS: "4" }, // a script of sbatch
    { SLURM_NTASKS: "4" }, // salloc
  ])("finds one process in %o", (env) => {
    expect(findLaunch(env)).toBe(undefined);
  });
});
