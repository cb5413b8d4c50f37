// Named trees of arrays. Defined by the compiled engine, which imports nothing from outside its folder.
export * from "./engine/compiled/tree.js";
