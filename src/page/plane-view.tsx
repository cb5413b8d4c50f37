// The Plane view: the test images in a plane of the latent space, the image that the decoder shows of the cursor, and
// the panels of the selected image and of a path.
import { Fragment } from "preact";
import { useId, useMemo } from "preact/hooks";
import { ClassButtons } from "./class-buttons.js";
import { ClassLegend } from "./class-legend.js";
import { useManifold } from "./manifold.js";
import type { OpenModel } from "./model.js";
import { formatNumber } from "./numbers.js";
import { unpackFloats } from "./packed.js";
import { PathPanel } from "./path-panel.js";
import { Picture } from "./picture.js";
import { moveTo, nearest, project, projectGaussian } from "./plane.js";
import { PlanePlot } from "./plane-plot.js";
import { type PlaneState, planeStateOf, selectInAll } from "./plane-state.js";
import { PointPanel } from "./point-panel.js";
import { useRested } from "./rested.js";

interface PlaneProps {
  readonly model: OpenModel;
  readonly state: PlaneState;
}

export function PlaneView({ model }: { readonly model: OpenModel }) {
  const props = { model, state: planeStateOf(model) };
  return (
    <div class={`plane${model.info.dimZ === 1 ? " line" : ""}`}>
      <div class="plane-top">
        <Decoded {...props} />
        <div class="card plane-main">
          <Tools {...props} />
          <Legend {...props} />
          <Plot {...props} />
        </div>
      </div>
      <div class="plane-panel">
        <PointPanel {...props} />
        <PathPanel {...props} />
      </div>
    </div>
  );
}

/** Chooses the axes, and what is behind the points. */
function Tools({ model, state: { axes, viewport, showsManifold } }: PlaneProps) {
  const choose = (next: typeof axes.value) => {
    axes.value = next;
    viewport.value = undefined;
  };
  const chosen = axes.value;
  const { components } = model.latents.value;
  return (
    <div class="row spread">
      <div class="row axes">
        {model.info.dimZ > 2 && components && (
          <button type="button" aria-pressed={chosen === "components"} onClick={() => choose("components")}>
            Principal components
          </button>
        )}
        {model.info.dimZ > 1 &&
          ["Horizontal", "Vertical"].map((label, i) => (
            <DimensionSelect
              key={label}
              label={label}
              model={model}
              value={chosen === "components" ? undefined : chosen[i]}
              onChoose={(dimension) => choose(replaceAxis(model, chosen, i, dimension))}
            />
          ))}
      </div>
      <label>
        <input
          type="checkbox"
          checked={showsManifold.value}
          onChange={({ currentTarget }) => {
            showsManifold.value = currentTarget.checked;
          }}
        />
        Manifold
      </label>
    </div>
  );
}

/** Axes with another dimension at one of them. The same dimension at both swaps them. */
function replaceAxis(model: OpenModel, axes: PlaneState["axes"]["value"], index: number, dimension: number) {
  const [first, second] = axes === "components" ? model.order.value : axes;
  const other = [second, first][index];
  const kept = other === dimension ? [first, second][index] : other;
  return index === 0 ? [dimension, kept] : [kept, dimension];
}

interface DimensionSelectProps {
  readonly label: string;
  readonly model: OpenModel;
  readonly value: number | undefined;
  onChoose(dimension: number): void;
}

/** Lists dimensions by how much they tell about the images. */
function DimensionSelect({ label, model, value, onChoose }: DimensionSelectProps) {
  const { klPerDimension, variances } = model.latents.value;
  const measure = (d: number) =>
    klPerDimension ? `KL ${formatNumber(klPerDimension[d])} nats` : `variance ${formatNumber(variances[d])}`;
  return (
    <label>
      {label}
      <select value={value ?? ""} onChange={({ currentTarget }) => onChoose(Number(currentTarget.value))}>
        {value === undefined && <option value="">–</option>}
        {model.order.value.map((d) => (
          <option key={d} value={d}>
            z{d + 1} · {measure(d)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Plot({ model, state }: PlaneProps) {
  const hint = useId();
  const { plane, points, labels, classes, viewport, visible, inference, ends } = state;
  const { info, z, selected } = model;
  const manifold = useManifold(model);
  const posterior = inference.value;
  const origin = new Float32Array(info.dimZ);
  const [from, to] = ends.value;
  const place = (end: Float32Array | undefined) => end && project(plane.value, end);
  return (
    <>
      <PlanePlot
        points={points.value}
        labels={labels.value}
        hidden={classes.hidden.value}
        emphasized={classes.emphasized.value}
        names={plane.value.names}
        prior={info.hasNormalPrior ? project(plane.value, origin) : undefined}
        manifold={manifold}
        viewport={viewport}
        cursor={project(plane.value, z.value)}
        selected={selected.value !== undefined && selected.value < points.value.u.length ? selected.value : undefined}
        ellipse={
          posterior?.sigma && projectGaussian(plane.value, unpackFloats(posterior.mean), unpackFloats(posterior.sigma))
        }
        path={from || to ? [place(from), place(to)] : undefined}
        label={`Latent plane with ${points.value.u.length} test images: ${plane.value.names.join(" and ")}`}
        describedBy={hint}
        onMove={(to) => {
          z.value = moveTo(plane.value, z.value, to);
        }}
        onPick={(index) => selectInAll(model, index)}
        onView={(area, size) => {
          visible.value = { area, size };
        }}
      />
      <p class="small" id={hint}>
        Drag to decode, click a point to select it.{" "}
        <span class="keys">
          Arrow keys move the cursor (Shift: further), Enter selects the nearest point. The wheel, + and − zoom, 0 shows
          all points, Shift-drag moves the view.
        </span>
      </p>
    </>
  );
}

function Legend({ model, state }: PlaneProps) {
  const { classes } = model.latents.value;
  return classes && state.labels.value ? <ClassLegend classes={classes} shown={state.classes} /> : null;
}

/** The image that the decoder shows of z, and where z is. */
function Decoded({ model, state }: PlaneProps) {
  const { names } = state.plane.value;
  const place = project(state.plane.value, model.z.value);
  const short = state.axes.value === "components" ? ["PC 1", "PC 2"] : names;
  const text = short.map((name, i) => `${name} = ${formatNumber(place[i])}`).join(", ");
  return (
    <section class="card decoded" aria-label="Decoded image">
      <Picture images={model.decoded.value} size={model.info} label={`Decoded from ${text}`} />
      <div class="stack small-gap">
        <p class="place">
          {text.split(", ").map((part, i) => (
            <Fragment key={part}>
              {i > 0 && ", "}
              <span>{part}</span>
            </Fragment>
          ))}
        </p>
        <Rested model={model} state={state} text={text} />
        <ClassButtons model={model} />
      </div>
    </section>
  );
}

/** Screen readers hear the place after the cursor has rested for this long. */
const REST_MS = 700;

/** The class of the nearest test image, once the cursor rests. Screen readers hear z too. */
function Rested({ model, state, text }: PlaneProps & { readonly text: string }) {
  const spoken = useRested(text, REST_MS);
  const seen = useMemo(() => {
    if (spoken === undefined) return undefined;
    const [index] = nearest(state.means.value, model.z.value, 1);
    const name = model.latents.value.classes?.[state.labels.value?.[index ?? -1] ?? -1];
    return name && `nearest test image: class ${name}`;
  }, [spoken]);
  return (
    <>
      <p class="small" aria-hidden="true">
        {seen}
      </p>
      <p class="unseen" role="status">
        {[spoken, seen].filter((part) => part).join(", ")}
      </p>
    </>
  );
}
