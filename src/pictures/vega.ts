// Vega, for plots.ts. The build bundles its packages (24 MB) here: users need not install them, and loading takes 55
// ms, not 148.
export { parse, View } from "vega";
export { compile } from "vega-lite";
