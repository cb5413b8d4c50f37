// The results in a run's folder, for the comparison of two trainings.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { decodeSafetensors } from "../src/formats/safetensors.js";

/** The file names of a run's checkpoints, the newest last. */
export function checkpointsOf(run: string): string[] {
  return readdirSync(path.join(run, "checkpoint")).sort();
}

export function lastCheckpointOf(run: string): string {
  return path.join(run, "checkpoint", checkpointsOf(run).at(-1) as string);
}

/** Digests of a run's state, model and pictures, and its metrics without times. */
export function outcomeOf(run: string) {
  const digest = (...file: string[]) =>
    createHash("sha256")
      .update(readFileSync(path.join(run, ...file)))
      .digest("hex");
  const { tensors } = decodeSafetensors(readFileSync(lastCheckpointOf(run)), "checkpoint");
  const state = createHash("sha256");
  for (const [tensor, { data }] of tensors) state.update(tensor).update(data);
  const metrics = readFileSync(path.join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  return {
    step: checkpointsOf(run).at(-1),
    state: state.digest("hex"),
    model: digest("model.safetensors"),
    metrics: metrics.map((line) => ({ ...JSON.parse(line), seconds: 0, imagesPerSecond: 0 })),
    pictures: readdirSync(path.join(run, "pictures"), { recursive: true, encoding: "utf8" })
      .filter((name) => path.extname(name) !== "")
      .map((name) => [name, digest("pictures", name)]),
  };
}
