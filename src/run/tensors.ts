// Safetensors files of a run: its weights and checkpoints. Their metadata hold the run's id.
import { UserError } from "../errors.js";
import { recognize, SAFETENSORS } from "../formats/recognize.js";
import { decodeSafetensors, encodeSafetensors, type TensorFile } from "../formats/safetensors.js";
import { CONFIG, type RunConfig } from "./config.js";

/** Encodes tensors, and adds the run's id to their metadata. Runs of older versions have none. */
export function encodeTensors({ tensors, metadata }: TensorFile, { id }: RunConfig): Uint8Array {
  return encodeSafetensors({ tensors, metadata: { ...metadata, ...(id !== undefined && { run: id }) } });
}

/** Parses safetensors. @throws UserError that names the format if the file has another one */
export function decodeTensors(bytes: Uint8Array, file: string): TensorFile {
  const { name = SAFETENSORS, remedy = "", weights = remedy } = recognize(bytes) ?? {};
  if (name !== SAFETENSORS) throw new UserError(`${file} is ${name}, not safetensors. ${weights}`.trimEnd());
  return decodeSafetensors(bytes, file);
}

/** @throws UserError if the file is of another run. Runs of older versions have no id, and accept any file */
export function checkRun({ run }: TensorFile["metadata"], { id }: RunConfig, file: string): void {
  if (id === undefined || run === id) return;
  throw new UserError(
    `${file} and the ${CONFIG} in its folder belong to different runs. Restore files of the same run.`,
  );
}
