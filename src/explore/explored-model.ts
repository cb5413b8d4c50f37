// A run's model in its process: loaded at the first call, and again when a training saves new weights.
import type { Dataset } from "../data/dataset.js";
import { type LoadedModel, loadModel } from "../inference/loaded-model.js";
import { modelVersion } from "../run/versions.js";

export class ExploredModel {
  #loaded: { readonly version: string | undefined; readonly model: LoadedModel } | undefined;
  /** Of the run with this id, or of this model if the run has none. */
  #data: { readonly of: string | LoadedModel; readonly loading: Promise<Dataset> } | undefined;

  constructor(
    readonly run: string,
    readonly threads: number,
  ) {}

  /** The model with the newest weights. @throws UserError if there is none, or its files cannot be read */
  async load(): Promise<LoadedModel> {
    const version = modelVersion(this.run);
    const before = this.#loaded;
    if (before && before.version === version) return before.model;
    const reloaded = await before?.model.reload();
    const model = reloaded ?? (await loadModel(this.run, undefined, this.threads));
    if (!reloaded) await before?.model.close();
    this.#loaded = { version, model };
    return model;
  }

  /** The data of the training. @throws UserError if they cannot be read */
  loadData(model: LoadedModel): Promise<Dataset> {
    const of = model.folder.config.id ?? model;
    if (this.#data?.of === of) return this.#data.loading;
    const data = { of, loading: model.loadData() };
    this.#data = data;
    data.loading.catch(() => {
      if (this.#data === data) this.#data = undefined; // a later call may find them
    });
    return data.loading;
  }
}
