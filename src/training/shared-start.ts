// Starts a training in several processes: checks that they can share it, and copies the state of process 0 to all.
import { type Config, encodeConfig } from "../config/config.js";
import type { Processes } from "../distributed/processes.js";
import { UserError } from "../errors.js";
import type { Model } from "../model/model.js";
import { leaves, mapTree } from "../tree.js";
import { VERSION } from "../version.js";
import type { Snapshot, TrainingState } from "./snapshot.js";

/** @throws UserError if it is for a GPU, the objective needs a whole batch in one process, or a batch has too few images */
export function checkSharing(
  { parts: { objective } }: Model,
  { batchSize, device }: Config,
  processes: Processes,
): void {
  if (device === "gpu") throw new UserError("`device: gpu` is for a single process.");
  if (objective.numbersPerPair !== undefined || objective.averagesImages) {
    throw new UserError(
      "This objective depends on all images of a batch, so several processes cannot share one. Start one process.",
    );
  }
  if (batchSize < processes.size) {
    throw new UserError(
      `${processes.size} processes cannot share a batch of ${batchSize}. Give a larger \`batchSize\`, or start fewer.`,
    );
  }
}

/** @throws UserError in all processes if their versions, settings, weights' shapes or data differ */
export function checkSameTraining(config: Config, dataDigest: string, model: Model, processes: Processes): void {
  const { threads, dataset, inputDir, ...same } = encodeConfig(config); // hosts may differ in paths and processors
  const texts = Object.entries(same).map(([name, value]) => [name, JSON.stringify(value)]);
  processes.checkSame({
    "the version of vae": VERSION,
    ...Object.fromEntries(texts),
    "the weights of the model": JSON.stringify(model.parts.specs.params),
    "the data": dataDigest,
  });
}

/**
 * Copies the snapshot of process 0 to all processes.
 *
 * @param own in process 0 the snapshot, in others any snapshot of the same shapes
 */
export function shareSnapshot(own: Snapshot, processes: Processes): Snapshot {
  const { state, best, ...numbers } = own;
  const shared = processes.exchange({ ...numbers, hasBest: best !== undefined })[0];
  const { hasBest, ...rest } = shared;
  const copied = copyState(hasBest ? { ...state, best: best ?? state.params } : state);
  for (const [, { data }] of leaves(copied)) processes.mpi.broadcast(data);
  const { best: sharedBest, ...sharedState } = copied;
  return { ...rest, state: sharedState, ...(sharedBest && { best: sharedBest }) };
}

type WithBest = TrainingState & Pick<Snapshot, "best">;

function copyState(tree: WithBest): WithBest {
  return mapTree(tree, ({ data, shape }: TrainingState["params"][string]) => ({ data: data.slice(), shape }));
}
