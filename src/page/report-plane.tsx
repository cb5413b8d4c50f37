// The latent plane of a report: its points, and the image that the decoder draws at the cursor.
import { type Signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { DecoderContents, PlaneContents } from "../report/contents.js";
import { ClassButtons } from "./class-buttons.js";
import { ClassLegend } from "./class-legend.js";
import { DenseDecoder } from "./dense-decoder.js";
import { formatNumber } from "./numbers.js";
import { unpackFloats, unpackNumbers } from "./packed.js";
import { Picture } from "./picture.js";
import { componentNames, type Point } from "./plane.js";
import { PlanePlot } from "./plane-plot.js";
import { ShownClasses } from "./shown-classes.js";
import type { Viewport } from "./viewport.js";

export function ReportPlane({ contents }: { readonly contents: PlaneContents }) {
  const { decoder, prior, classes, axes, explained } = contents;
  const points = useMemo(() => ({ u: unpackFloats(contents.x), v: unpackFloats(contents.y) }), [contents]);
  const labels = useMemo(() => contents.labels && unpackNumbers(contents.labels), [contents]);
  const shown = useMemo(() => new ShownClasses(), []);
  const viewport = useSignal<Viewport | undefined>(undefined);
  const cursor = useSignal<Point>([mean(points.u), axes.length > 1 ? mean(points.v) : 0]);
  return (
    <div class={decoder ? "report-plane with-decoder" : "report-plane"}>
      <div class="report-scatter">
        <PlanePlot
          points={points}
          labels={labels}
          hidden={shown.hidden.value}
          emphasized={shown.emphasized.value}
          names={explained ? componentNames(explained) : axes.map((_, i) => `z${i + 1}`)}
          prior={prior}
          viewport={viewport}
          scrollsPage
          label={decoder ? "Latent plane: drag, or use the arrow keys, to decode another place" : "Latent plane"}
          {...(decoder && {
            cursor: cursor.value,
            onMove(to: Point) {
              cursor.value = to;
            },
          })}
        />
        {classes && labels && classes.length > 1 && <ClassLegend classes={classes} shown={shown} />}
      </div>
      {decoder && <Decoded contents={contents} decoder={decoder} cursor={cursor} />}
    </div>
  );
}

interface DecodedProps {
  readonly contents: PlaneContents;
  readonly decoder: DecoderContents;
  readonly cursor: Signal<Point>;
}

/** The image at the cursor, decoded in the page. */
function Decoded({ contents: { origin, axes }, decoder, cursor }: DecodedProps) {
  const { height, width, classes } = decoder;
  const dense = useMemo(() => new DenseDecoder(decoder), [decoder]);
  const chosenClass = useSignal(classes?.[0]);
  const [u, v] = cursor.value;
  const z = origin.map((start, d) => start + u * axes[0][d] + v * (axes[1]?.[d] ?? 0));
  const pixels = dense.decode(z, classes?.indexOf(chosenClass.value ?? ""));
  const place = axes.map((_, i) => formatNumber(cursor.value[i])).join(", ");
  return (
    <div class="report-decoded">
      <Picture
        images={Uint8Array.from(pixels, toByte)}
        size={{ height, width }}
        label={`The image decoded at ${place}`}
      />
      <p class="place">
        <span class="muted">{origin.length > 2 ? "Position of the cursor" : "z at the cursor"}</span>{" "}
        <data value={z.join(" ")}>{place}</data>
      </p>
      <ClassButtons model={{ info: { ...(classes && { classes }) }, chosenClass }} />
      <p class="note">Drag over the plane: the decoder in this file draws the image at the cursor.</p>
    </div>
  );
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A mean from 0 black to 1 white, rounded as the pictures of vae are. */
function toByte(mean: number): number {
  return Math.round(255 * mean);
}
