// Named trees of arrays: how parameters, optimizer state and batches are passed around. Knows nothing of tensors.

/** A dense array in the host's memory, row-major. Pixels and dropout masks are bytes, all else is float32. */
export interface HostArray<Data extends HostData = HostData> {
  readonly data: Data;
  readonly shape: readonly number[];
}

export type HostData = Float32Array | Uint8Array;

/** Nested records whose leaves have a shape: `HostArray`s, tensors, or descriptions of either. */
export type Tree<Leaf> = { readonly [name: string]: Leaf | Tree<Leaf> | undefined };

type Shaped = { readonly shape: readonly number[] };

/** The leaves of a tree with their paths (`params/encoder.0.weight`), in the order of insertion. */
export function leaves<Leaf extends Shaped>(tree: Tree<Leaf>, prefix = ""): [path: string, leaf: Leaf][] {
  return Object.entries(tree).flatMap(([name, node]): [string, Leaf][] => {
    if (node === undefined) return [];
    return isLeaf(node) ? [[prefix + name, node]] : leaves(node, `${prefix}${name}/`);
  });
}

/** A tree of the same structure whose leaves are `transform(leaf, path)`. */
export function mapTree<Leaf extends Shaped, Result>(
  tree: Tree<Leaf>,
  transform: (leaf: Leaf, path: string) => Result,
  prefix = "",
): Tree<Result> {
  const mapped: Record<string, Result | Tree<Result>> = {};
  for (const [name, node] of Object.entries(tree)) {
    if (node === undefined) continue;
    mapped[name] = isLeaf(node) ? transform(node, prefix + name) : mapTree(node, transform, `${prefix}${name}/`);
  }
  return mapped;
}

/** The number of elements of an array of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

function isLeaf<Leaf extends Shaped>(node: Leaf | Tree<Leaf>): node is Leaf {
  return Array.isArray(node.shape);
}
