// Named trees of arrays: how parameters, optimizer state and batches are passed around. The compiled engine has them, since
// it stands alone.
export * from "./engine/compiled/tree.js";
