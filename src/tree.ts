// Named trees of arrays. The compiled engine owns them, since it stands alone.
export * from "./engine/compiled/tree.js";
