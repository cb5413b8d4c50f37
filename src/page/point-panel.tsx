// The panel of the selected test image: what the model infers from it, and its neighbours in the latent space.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Inference, PackedArray } from "../explore/protocol.js";
import type { OpenModel } from "./model.js";
import { formatNumber, negate } from "./numbers.js";
import { Picture } from "./picture.js";
import { nearest } from "./plane.js";
import { type PlaneState, selectInAll } from "./plane-state.js";

interface PointPanelProps {
  readonly model: OpenModel;
  readonly state: PlaneState;
}

const NEIGHBOURS = 8;

export function PointPanel({ model, state }: PointPanelProps) {
  const index = model.selected.value;
  const { result } = (index !== undefined && state.inferred.value) || {};
  // Until the inference arrives, the last one keeps its space.
  const visibility = state.inference.value ? "visible" : "hidden";
  return (
    <section class="card" aria-label="Test image">
      <div class="row spread">
        <h3>Test image</h3>
        <Chooser model={model} />
      </div>
      {index === undefined && <p class="small">Select a point to see its image, reconstruction and neighbours.</p>}
      {model.info.noise && index !== undefined && <NoiseSwitch model={model} state={state} />}
      {result && (
        <div class="stack" style={{ visibility }}>
          <Images model={model} inference={result} />
          <Facts model={model} inference={result} />
        </div>
      )}
      {index !== undefined && <Neighbours model={model} state={state} index={index} />}
    </section>
  );
}

/** Chooses a test image by its index, from 0. */
function Chooser({ model }: { readonly model: OpenModel }) {
  const { testImages } = model.info;
  const index = model.selected.value;
  const choose = (next: number) => {
    if (next >= 0 && next < testImages) selectInAll(model, next);
  };
  const enter = (field: HTMLInputElement) => {
    choose(Math.round(field.valueAsNumber));
    field.value = String(model.selected.value ?? ""); // also if the entry is no index
  };
  return (
    <div class="row tight">
      <button
        type="button"
        class="icon"
        aria-label="Previous test image"
        disabled={index === 0 || testImages === 0}
        onClick={() => choose((index ?? testImages) - 1)}
      >
        ‹
      </button>
      <input
        type="number"
        aria-label="Index of the test image"
        min={0}
        max={testImages - 1}
        value={index ?? ""}
        onChange={({ currentTarget }) => enter(currentTarget)}
      />
      <span class="small">0–{(testImages - 1).toLocaleString("en")}</span>
      <button
        type="button"
        class="icon"
        aria-label="Next test image"
        disabled={index === testImages - 1 || testImages === 0}
        onClick={() => choose((index ?? -1) + 1)}
      >
        ›
      </button>
    </div>
  );
}

function NoiseSwitch({ model: { info }, state: { isNoisy } }: PointPanelProps) {
  return (
    <label>
      <input
        type="checkbox"
        checked={isNoisy.value}
        onChange={({ currentTarget }) => {
          isNoisy.value = currentTarget.checked;
        }}
      />
      Add the noise of the training: {info.noise?.kind} {info.noise?.strength}
    </label>
  );
}

function Images({ model, inference }: { readonly model: OpenModel; readonly inference: Inference }) {
  const images: [string, PackedArray | undefined][] = [
    ["Image", inference.original],
    [model.info.noise ? "Noisy input" : "Input", inference.input],
    ["Reconstruction", inference.reconstruction],
  ];
  return (
    <div class="point-images">
      {images.map(
        ([name, image]) =>
          image && (
            <figure key={name}>
              <Picture images={image} size={model.info} label={name} />
              <figcaption>{name}</figcaption>
            </figure>
          ),
      )}
    </div>
  );
}

/** The label, and the terms of the bound in nats. A plain autoencoder has no KL term, so no bound either. */
function Facts({ model, inference }: { readonly model: OpenModel; readonly inference: Inference }) {
  const { bounds, label } = inference;
  return (
    <dl class="facts">
      {label !== undefined && <Fact name="Label" value={label} />}
      {model.info.isDrawn && <Fact name="−ELBO" value={`${formatNumber(negate(bounds.elbo))} nats`} />}
      <Fact name="Reconstruction" value={`${formatNumber(bounds.reconstruction)} nats`} />
      {model.info.isDrawn && <Fact name="KL" value={`${formatNumber(bounds.kl)} nats`} />}
    </dl>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** The test images whose posterior means are nearest, as buttons that select them. */
function Neighbours({ model, state, index }: PointPanelProps & { readonly index: number }) {
  const shown = useSignal<{ readonly indices: readonly number[]; readonly images: PackedArray } | undefined>(undefined);
  const means = state.means.value;
  const { dimZ } = model.info;
  useEffect(() => {
    const mean = means.subarray(index * dimZ, (index + 1) * dimZ);
    const indices = mean.length === dimZ ? nearest(means, mean, NEIGHBOURS, index) : [];
    let isStale = false;
    if (indices.length === 0) shown.value = undefined;
    else {
      const show = (images: PackedArray) => {
        if (!isStale) shown.value = { indices, images };
      };
      model.call("testImages", { indices }).then(show, () => {}); // the shell shows the problem
    }
    return () => {
      isStale = true;
    };
  }, [model, means, index]);
  if (!shown.value) return null;
  const { indices, images } = shown.value;
  const nameOf = (i: number) => model.latents.value.classes?.[state.labels.value?.[i] ?? -1];
  return (
    <div class="stack small-gap">
      <p class="small">Nearest neighbours in the latent space</p>
      <ul class="neighbours">
        {indices.map((neighbour, i) => (
          <li key={neighbour}>
            <button type="button" onClick={() => selectInAll(model, neighbour)}>
              <Picture
                images={images}
                index={i}
                size={model.info}
                label={["Test image", neighbour, nameOf(neighbour)].join(" ").trim()}
              />
              {nameOf(neighbour) !== undefined && <span aria-hidden="true">{nameOf(neighbour)}</span>}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
