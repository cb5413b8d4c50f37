// Data sets, for users of the library: `datasets.load`.
export type { Dataset, ImageSet } from "../data/dataset.js";
export { loadDataset as load } from "../data/dataset.js";
