// What commands work with. Loaded when one runs, not for its help.
export { clearCache, inspectCache } from "../files/cache.js";
export * from "../files/write.js";
export * from "../index.js";
export { joinEncoded } from "../inference/arrays.js";
export * from "../inference/views.js";
export { findGroupOrRun } from "../run/folder.js";
export { isGroup } from "../run/group.js";
export { planRuns } from "../training/plan.js";
export * from "./array-input.js";
export * from "./array-output.js";
export * from "./comparison-table.js";
export { hintAtEarlyWeights } from "./hints.js";
export * from "./latent-table.js";
export * from "./output.js";
export * from "./signals.js";
export * from "./training.js";
export * from "./training-group.js";
export * from "./training-screen.js";
