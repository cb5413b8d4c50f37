// The weights of a run: model.safetensors. Its metadata hold their epoch.
import path from "node:path";
import { UserError } from "../errors.js";
import { ifPresent, readBytes, readStart, statIfThere } from "../files/read.js";
import { decodeMetadata, type TensorFile } from "../formats/safetensors.js";
import type { HostParams } from "../model/initialize.js";
import type { Specs } from "../model/specs.js";
import type { HostArray } from "../tree.js";
import { printable } from "../wording.js";
import { CONFIG, type RunConfig } from "./config.js";
import { checkRun, decodeTensors, encodeTensors } from "./tensors.js";

export const MODEL = "model.safetensors";
/** More than the header of a model has. */
const MAX_HEADER_BYTES = 1e7;

export interface ModelFile {
  readonly params: HostParams;
  readonly metadata: TensorFile["metadata"];
}

export function hasModel(run: string): boolean {
  return statIfThere(path.join(run, MODEL)) !== undefined;
}

export function encodeModel(config: RunConfig, params: HostParams, metadata: TensorFile["metadata"]): Uint8Array {
  return encodeTensors({ tensors: new Map(Object.entries(params)), metadata }, config);
}

/** Reads model.safetensors. @throws UserError if it is missing or damaged, or its shapes do not match the specs */
export async function readModel(run: string, config: RunConfig, { params: specs }: Specs): Promise<ModelFile> {
  const file = path.join(run, MODEL);
  const bytes = await ifPresent(readBytes(file));
  if (!bytes) throw new UserError(`${run} has no ${MODEL} yet: no epoch has finished.`);
  const { tensors, metadata } = decodeTensors(bytes, file);
  if (metadata.run !== undefined) checkRun(metadata, config, file); // files of other programs have no id
  const params: Record<string, HostArray<Float32Array>> = {};
  for (const [name, { shape }] of Object.entries(specs)) {
    const tensor = tensors.get(name);
    if (!tensor || tensor.shape.join() !== shape.join()) {
      const found = tensor ? `is [${printable(String(tensor.shape))}]` : "is missing";
      throw new UserError(`${file} does not match its ${CONFIG}: ${name} ${found}, but must be [${shape}].`);
    }
    if (!tensor.data.every(Number.isFinite)) throw new UserError(`${file} is damaged: ${name} holds NaN or infinity.`);
    params[name] = tensor;
  }
  return { params, metadata };
}

/** The epoch of the weights. @returns undefined if the run has none yet, or another program wrote them */
export async function modelEpoch(run: string): Promise<number | undefined> {
  const file = path.join(run, MODEL);
  const start = await ifPresent(readStart(file, MAX_HEADER_BYTES));
  const epoch = start && Number(decodeMetadata(start, file).epoch);
  return Number.isSafeInteger(epoch) ? epoch : undefined;
}
