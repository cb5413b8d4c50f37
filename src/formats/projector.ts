// Encodes the files of TensorBoard's projector: tables of vectors and of their labels, and the configuration that names
// them. https://www.tensorflow.org/tensorboard/tensorboard_projector_plugin
import { visible } from "../wording.js";

/** Digits that distinguish all float32 numbers. */
const DIGITS = 9;

/** A table of numbers `[rows, columns]`, separated by tabs. */
export function encodeVectors(data: Float32Array, columns: number): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += columns) {
    lines.push(Array.from(data.subarray(at, at + columns), (value) => Number(value.toPrecision(DIGITS))).join("\t"));
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** The numbers of images and, if there are any, the names of their classes. Only a table of two columns has a head. */
export function encodeLabels(count: number, nameOf?: (image: number) => string): string {
  const numbers = Array.from({ length: count }, (_, image) => image);
  const rows = nameOf
    ? ["class\timage", ...numbers.map((image) => `${visible(nameOf(image))}\t${image}`)]
    : numbers.map(String);
  return rows.map((row) => `${row}\n`).join("");
}

/** Files relative to the folder of the configuration. */
export interface Projection {
  readonly name: string;
  readonly vectors: string;
  /** [rows, columns] of the vectors. */
  readonly shape: readonly [number, number];
  readonly labels: string;
  readonly sprite: { readonly file: string; readonly width: number; readonly height: number };
}

/** projector_config.pbtxt, in the text format of protocol buffers. */
export function encodeProjectorConfig({ name, vectors, shape, labels, sprite }: Projection): string {
  return `embeddings {
  tensor_name: ${JSON.stringify(name)}
  tensor_shape: ${shape[0]}
  tensor_shape: ${shape[1]}
  tensor_path: ${JSON.stringify(vectors)}
  metadata_path: ${JSON.stringify(labels)}
  sprite {
    image_path: ${JSON.stringify(sprite.file)}
    single_image_dim: ${sprite.width}
    single_image_dim: ${sprite.height}
  }
}
`;
}
