// A posterior: mean ± sigma of each dimension as bars and numbers, and its place in the plane of two dimensions.
import { useComputed, useSignal } from "@preact/signals";
import type { Inference } from "../explore/protocol.js";
import { latentTitles, type OpenModel } from "./model.js";
import { formatNumber } from "./numbers.js";
import { unpackFloats, unpackNumbers } from "./packed.js";
import { planeOfDimensions, project, projectAll, projectGaussian } from "./plane.js";
import { PlanePlot } from "./plane-plot.js";
import type { Viewport } from "./viewport.js";

/** Dimensions that are listed at first, the largest KL first. Each is drawn again with every stroke. */
const FEW = 64;
/** The bars show values up to this size, or the largest one. */
const MIN_EXTENT = 3;

/** Arrays [Z] of an inference. */
interface Dimensions {
  readonly mean: Float32Array;
  readonly sigma: Float32Array | undefined;
  readonly kl: Float32Array | undefined;
}

interface PosteriorProps {
  readonly model: OpenModel;
  readonly inference: Inference;
}

export function Posterior({ model, inference }: PosteriorProps) {
  const dimensions: Dimensions = {
    mean: unpackFloats(inference.mean),
    sigma: inference.sigma && unpackFloats(inference.sigma),
    kl: inference.klPerDimension && unpackFloats(inference.klPerDimension),
  };
  return (
    <div class="posterior">
      {model.info.dimZ === 2 && <PosteriorPlane model={model} dimensions={dimensions} />}
      <Bars dimensions={dimensions} order={model.order.value} hasPrior={model.info.hasNormalPrior} />
    </div>
  );
}

/** The posterior among the means of the test images. */
function PosteriorPlane({ model, dimensions: { mean, sigma } }: { model: OpenModel; dimensions: Dimensions }) {
  const viewport = useSignal<Viewport | undefined>(undefined);
  const plane = planeOfDimensions(2, [0, 1]);
  const points = useComputed(() => projectAll(plane, unpackFloats(model.latents.value.means)));
  const labels = useComputed(() => {
    const packed = model.latents.value.labels;
    return packed && unpackNumbers(packed);
  });
  const place = `${formatNumber(mean[0])}, ${formatNumber(mean[1])}`;
  return (
    <div class="still-plane">
      <PlanePlot
        points={points.value}
        labels={labels.value}
        names={plane.names}
        prior={model.info.hasNormalPrior ? [0, 0] : undefined}
        viewport={viewport}
        cursor={project(plane, mean)}
        ellipse={sigma && projectGaussian(plane, mean, sigma)}
        label={`${latentTitles(model).mean} at ${place}, among those of the test images`}
      />
    </div>
  );
}

interface BarsProps {
  readonly dimensions: Dimensions;
  readonly order: readonly number[];
  readonly hasPrior: boolean;
}

function Bars({ dimensions, order, hasPrior }: BarsProps) {
  const showsAll = useSignal(false);
  const { mean, sigma, kl } = dimensions;
  const shown = showsAll.value ? order : order.slice(0, FEW);
  const extent = shown.reduce((most, d) => Math.max(most, Math.abs(mean[d]) + (sigma?.[d] ?? 0)), MIN_EXTENT);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll the table */}
      <section class="bars" tabIndex={0} aria-label="Dimensions">
        <table>
          <thead>
            <tr>
              <th scope="col">z</th>
              <th scope="col">
                <BarScale extent={extent} />
              </th>
              <th scope="col" class="number">
                {sigma ? "mean ± σ" : "value"}
              </th>
              {kl && (
                <th scope="col" class="number">
                  KL
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((d) => (
              <tr key={d}>
                <th scope="row">{d + 1}</th>
                <td>
                  <Bar mean={mean[d]} sigma={sigma?.[d]} {...{ extent, hasPrior }} />
                </td>
                <td class="number">
                  {formatNumber(mean[d])}
                  {sigma && ` ± ${formatNumber(sigma[d])}`}
                </td>
                {kl && <td class="number">{formatNumber(kl[d])}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {order.length > shown.length && (
        <button
          type="button"
          onClick={() => {
            showsAll.value = true;
          }}
        >
          Show all {order.length} dimensions
        </button>
      )}
    </>
  );
}

function BarScale({ extent }: { readonly extent: number }) {
  const end = Math.floor(extent);
  return (
    <span class="bar-scale">
      {[-end, 0, end].map((value) => (
        <span key={value} style={{ left: share(value, extent) }}>
          {formatNumber(value, 0)}
        </span>
      ))}
    </span>
  );
}

interface BarProps {
  readonly mean: number;
  readonly sigma: number | undefined;
  readonly extent: number;
  /** Whether to show the prior N(0, 1) at one sigma. */
  readonly hasPrior: boolean;
}

/** A dot at the mean, and a line from mean − sigma to mean + sigma. */
function Bar({ mean, sigma, extent, hasPrior }: BarProps) {
  const between = (from: number, to: number) => ({ left: share(from, extent), right: share(-to, extent) });
  return (
    <span class="bar-track" aria-hidden="true">
      {hasPrior && <span class="bar-prior" style={between(-1, 1)} />}
      {sigma !== undefined && <span class="bar-sigma" style={between(mean - sigma, mean + sigma)} />}
      <span class="bar-mean" style={{ left: share(mean, extent) }} />
    </span>
  );
}

/** The place of a value from −extent to extent. */
function share(value: number, extent: number): string {
  return `${(50 * (value + extent)) / extent}%`;
}
