// The inference from a drawing: reconstruction, bound and posterior.
import type { Inference } from "../explore/protocol.js";
import type { DrawState } from "./draw-state.js";
import { latentTitles, type OpenModel } from "./model.js";
import { formatNumber, negate } from "./numbers.js";
import { unpackFloats } from "./packed.js";
import { Picture } from "./picture.js";
import { goTo } from "./place.js";
import { Posterior } from "./posterior.js";
import { useRested } from "./rested.js";

/** Screen readers hear the numbers after the drawing has rested for this long. */
const REST_MS = 1000;

interface InferredProps {
  readonly state: DrawState;
}

export function Inferred({ state: { model, inference } }: InferredProps) {
  const { input, reconstruction, bounds } = inference.value ?? {};
  const isDenoiser = model.info.noise !== null;
  return (
    <section class={`card draw-inferred${input ? " has-input" : ""}`} aria-label="Reconstruction">
      {input && (
        <figure>
          <Picture images={input} size={model.info} label="Input of the encoder" />
          <figcaption>{isDenoiser ? "Noisy input" : "Input"}</figcaption>
        </figure>
      )}
      <figure>
        <Picture images={reconstruction} size={model.info} label="Reconstruction" />
        <figcaption>Reconstruction</figcaption>
      </figure>
      <Numbers bounds={bounds} isDrawn={model.info.isDrawn} />
    </section>
  );
}

export function InferredPosterior({ state: { model, inference } }: InferredProps) {
  const inferred = inference.value;
  return (
    <>
      <div class="row spread">
        <h3>{latentTitles(model).posterior}</h3>
        <button type="button" disabled={!inferred} onClick={() => explore(model, inferred)}>
          Open in Sliders
        </button>
      </div>
      {inferred && <Posterior model={model} inference={inferred} />}
    </>
  );
}

/** Shows the posterior mean in the other views. */
function explore(model: OpenModel, inference: Inference | undefined): void {
  if (!inference) return;
  model.z.value = unpackFloats(inference.mean);
  goTo({ view: "sliders" });
}

type Bounds = Inference["bounds"];

const UNKNOWN: Bounds = { elbo: Number.NaN, reconstruction: Number.NaN, kl: Number.NaN };

/** The terms of the bound; of a plain autoencoder, the reconstruction alone. */
function Numbers({ bounds, isDrawn }: { readonly bounds: Bounds | undefined; readonly isDrawn: boolean }) {
  const { elbo, reconstruction, kl } = bounds ?? UNKNOWN;
  const rows: [string, number][] = [["Reconstruction", reconstruction]];
  if (isDrawn) {
    rows.unshift(["−ELBO", negate(elbo)]);
    rows.push(["KL", kl]);
  }
  return (
    <div class="stack">
      <dl class="draw-numbers">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{formatNumber(value)}</dd>
          </div>
        ))}
      </dl>
      <p class="small">Nats{isDrawn && ", estimated with one sample of z"}</p>
      <Spoken text={rows.map(([name, value]) => `${name} ${formatNumber(value, 1)}`).join(", ")} />
    </div>
  );
}

/** Text for screen readers, once it has stopped changing. */
function Spoken({ text }: { readonly text: string }) {
  return (
    <p class="unseen" role="status">
      {useRested(text, REST_MS)}
    </p>
  );
}
