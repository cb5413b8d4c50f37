// Named trees of arrays: parameters, optimizer state, batches.
import type { Tensor } from "@tensorflow/tfjs-core";

export type HostData = Float32Array | Uint8Array;

/** A dense, row-major array in host memory. Pixels and dropout masks are bytes; everything else is float32. */
export interface HostArray<Data extends HostData = HostData> {
  readonly data: Data;
  readonly shape: readonly number[];
}

/** A leaf: a `HostArray`, a tensor, or a description of either. */
type Shaped = { readonly shape: readonly number[] };

export type Tree<Leaf> = { readonly [name: string]: Leaf | Tree<Leaf> | undefined };

/** The type of tree `T` with each `Leaf` replaced by a `Result`. */
export type MapTree<T, Leaf, Result> = T extends Leaf
  ? Result
  : { readonly [name in keyof T]: MapTree<T[name], Leaf, Result> };

/** The type of tree `T` with each tensor replaced by a host array. */
export type HostTree<T, Data extends HostData = HostData> = MapTree<T, Tensor, HostArray<Data>>;

/** The leaves of a tree with their paths (`params/encoder.0.weight`), in insertion order. */
export function leaves<Leaf extends Shaped = HostArray>(tree: unknown, prefix = ""): [path: string, leaf: Leaf][] {
  return Object.entries(tree as Record<string, Leaf | undefined>).flatMap(([name, node]): [string, Leaf][] => {
    if (node === undefined) return [];
    return Array.isArray(node.shape) ? [[prefix + name, node]] : leaves(node, `${prefix}${name}/`);
  });
}

/** Replaces each leaf by `transform(leaf, path)`. The declared type of `leaf` sets the type of leaves. */
export function mapTree<T, Leaf extends Shaped>(tree: T, transform: (leaf: Leaf, path: string) => Leaf): T;
export function mapTree<T, Leaf extends Shaped, Result>(
  tree: T,
  transform: (leaf: Leaf, path: string) => Result,
): MapTree<T, Leaf, Result>;
export function mapTree<Leaf extends Shaped>(tree: object, transform: (leaf: Leaf, path: string) => unknown): object {
  const children = Object.entries(tree).filter(([, node]) => node !== undefined);
  const mapped = children.map(([name, node]) => [
    name,
    Array.isArray(node.shape)
      ? transform(node, name)
      : mapTree(node, (leaf: Leaf, path) => transform(leaf, `${name}/${path}`)),
  ]);
  return Object.fromEntries(mapped);
}

/** The number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}
