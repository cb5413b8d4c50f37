// Named trees of arrays: how parameters, optimizer state and batches are passed around. Does not compute.
import type { Tensor } from "@tensorflow/tfjs-core";

/** A dense array in the host's memory, row-major. Pixels and dropout masks are bytes, all else is float32. */
export interface HostArray<Data extends HostData = HostData> {
  readonly data: Data;
  readonly shape: readonly number[];
}

export type HostData = Float32Array | Uint8Array;

/** What a tree may have as leaves: `HostArray`s, tensors, or descriptions of either. */
type Shaped = { readonly shape: readonly number[] };

/** Nested records of leaves. */
export type Tree<Leaf> = { readonly [name: string]: Leaf | Tree<Leaf> | undefined };

/** The tree `T` with a `Result` in place of each `Leaf`. */
export type MapTree<T, Leaf, Result> = T extends Leaf
  ? Result
  : { readonly [name in keyof T]: MapTree<T[name], Leaf, Result> };

/** The tree `T` of tensors with arrays of the host in their place. */
export type HostTree<T, Data extends HostData = HostData> = MapTree<T, Tensor, HostArray<Data>>;

/** The leaves of a tree with their paths (`params/encoder.0.weight`), in the order of insertion. */
export function leaves<Leaf extends Shaped = HostArray>(tree: unknown, prefix = ""): [path: string, leaf: Leaf][] {
  return Object.entries(tree as Record<string, Leaf | undefined>).flatMap(([name, node]): [string, Leaf][] => {
    if (node === undefined) return [];
    return Array.isArray(node.shape) ? [[prefix + name, node]] : leaves(node, `${prefix}${name}/`);
  });
}

/** A tree of the same structure whose leaves are `transform(leaf, path)`. The type of `leaf` says what the leaves are. */
export function mapTree<T, Leaf extends Shaped>(tree: T, transform: (leaf: Leaf, path: string) => Leaf): T;
export function mapTree<T, Leaf extends Shaped, Result>(
  tree: T,
  transform: (leaf: Leaf, path: string) => Result,
): MapTree<T, Leaf, Result>;
export function mapTree<Leaf extends Shaped>(tree: object, transform: (leaf: Leaf, path: string) => unknown): object {
  const map = (node: object, prefix: string): object => {
    const entries = Object.entries(node).filter(([, child]) => child !== undefined);
    return Object.fromEntries(
      entries.map(([name, child]) => [
        name,
        Array.isArray(child.shape) ? transform(child, prefix + name) : map(child, `${prefix}${name}/`),
      ]),
    );
  };
  return map(tree, "");
}

/** The number of elements of an array of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}
