// A scatter plot of a latent plane with a cursor to drag, or a strip of one dimension. It takes data and callbacks, and
// asks no server. The points are drawn anew only if they or the viewport change: the cursor is on a canvas above.
import type { Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { type Gestures, listen } from "./gestures.js";
import type { Area, Ellipse, Point } from "./plane.js";
import { type Colours, drawImageBehind, drawOverlay, drawPoints, drawPrior, useColours } from "./plane-drawing.js";
import { AXES, type Geometry, useGeometry } from "./plane-geometry.js";
import { pan, reveal, type Size, type Viewport, zoom } from "./viewport.js";

export interface PlanePlotProps {
  /** [N] each. */
  readonly points: { readonly u: Float32Array; readonly v: Float32Array };
  /** The class of each point, an index. */
  readonly labels?: ArrayLike<number> | undefined;
  /** Classes that are not shown. */
  readonly hidden?: ReadonlySet<number> | undefined;
  /** The class that stands out. */
  readonly emphasized?: number | undefined;
  /** Names of the axes: two, or one of a strip. */
  readonly names: readonly string[];
  /** Centre of the prior N(0, 1) in the plane, if it has circles. */
  readonly prior?: Point | undefined;
  /** Decoded images behind the points. */
  readonly manifold?: { readonly image: CanvasImageSource; readonly area: Area } | undefined;
  /** What the plot shows; undefined fits it to the points. Kept by the caller, so that it outlives the plot. */
  readonly viewport: Signal<Viewport | undefined>;
  readonly cursor?: Point | undefined;
  /** Index of the selected point. */
  readonly selected?: number | undefined;
  /** The posterior of the selected point. */
  readonly ellipse?: Ellipse | undefined;
  readonly path?: readonly [from: Point | undefined, to: Point | undefined] | undefined;
  /** Says what the plot shows, for screen readers. */
  readonly label: string;
  /** The id of the element that explains the keys. */
  readonly describedBy?: string;
  /** In a page that scrolls, the wheel zooms only with Ctrl or Command, or if the plot has the focus. */
  readonly scrollsPage?: boolean;
  /** The cursor was dragged, or moved by keys. Without it, the plot has no cursor. */
  onMove?(to: Point): void;
  /** A point was clicked. */
  onPick?(index: number): void;
  /** What is visible changed. */
  onView?(area: Area, size: Size): void;
}

/** How far from a point a click may be, in CSS pixels. */
const MOUSE_REACH = 12;
const TOUCH_REACH = 24;

export function PlanePlot(props: PlanePlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const isLine = props.names.length === 1;
  const geometry = useGeometry(frame, { ...props, viewport: props.viewport.value, isLine });
  const { area, size, inset } = geometry;
  const colours = useColours();
  useScatter(frame, props, { geometry, colours });
  useOverlay(overlay, props, { geometry, colours });
  const { left, right, bottom, top } = area;
  useEffect(() => props.onView?.(area, size), [left, right, bottom, top, size.width, size.height]);
  const gestures = useRef<Gestures>(null as never);
  gestures.current = gesturesOf(props, geometry);
  useEffect(() => listen(overlay.current as HTMLCanvasElement, () => gestures.current, props.scrollsPage), []);
  return (
    <div class="plane-plot">
      <div class={isLine ? "plane-frame strip" : "plane-frame"} ref={frame}>
        <canvas
          ref={overlay}
          class="plane-overlay"
          style={pixels({ left: inset.left, top: inset.top, ...size })}
          aria-label={props.label}
          {...(props.onMove ? { role: "application", tabIndex: 0 } : { role: "img" })}
          {...(props.describedBy && { "aria-describedby": props.describedBy })}
        />
      </div>
      <fieldset class="plane-zoom" aria-label="Zoom">
        <ZoomButton label="Zoom in" symbol="+" onClick={() => gestures.current.zoom(1.5)} />
        <ZoomButton label="Zoom out" symbol="−" onClick={() => gestures.current.zoom(1 / 1.5)} />
        <ZoomButton label="Show all points" symbol="⤢" onClick={() => gestures.current.reset()} />
      </fieldset>
    </div>
  );
}

/** What gestures do to the cursor, the selection and the viewport. */
function gesturesOf(props: PlanePlotProps, { size, view, toPixels, toPlace }: Geometry): Gestures {
  const { points, hidden, labels, cursor, viewport } = props;
  /** Changes the present viewport: an event may pan and zoom before the plot is drawn again. */
  const change = (next: (present: Viewport) => Viewport) => {
    viewport.value = next(viewport.peek() ?? view);
  };
  const isVisible = (i: number) => !hidden?.has(labels?.[i] ?? -1);
  const pick = (at: Point, reach: number) => nearestPixel(points, toPixels, isVisible, at, reach);
  const within = (value: number, most: number) => Math.max(0, Math.min(most, value));
  return {
    drag: ([x, y]) => props.onMove?.(toPlace([within(x, size.width), within(y, size.height)])),
    click(at, isTouch) {
      const index = pick(at, isTouch ? TOUCH_REACH : MOUSE_REACH);
      if (index !== undefined) props.onPick?.(index);
      else props.onMove?.(toPlace(at));
    },
    choose() {
      const index = cursor && pick(toPixels(cursor), Infinity);
      if (index !== undefined) props.onPick?.(index);
    },
    step(right, down) {
      if (!cursor) return;
      const [x, y] = toPixels(cursor);
      const to = toPlace([x + right, y + down]);
      change((present) => reveal(present, to, size));
      props.onMove?.(to);
    },
    zoom: (factor, at) => change((present) => zoom(present, factor, at && toPlace(at, present))),
    pan: (right, down) => change((present) => pan(present, right, down)),
    reset() {
      viewport.value = undefined;
    },
  };
}

/** Lengths in CSS pixels. */
function pixels(lengths: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(lengths).map(([name, length]) => [name, `${length}px`]));
}

interface ZoomButtonProps {
  readonly label: string;
  readonly symbol: string;
  onClick(): void;
}

function ZoomButton({ label, symbol, onClick }: ZoomButtonProps) {
  return (
    <button type="button" class="icon" aria-label={label} title={label} onClick={onClick}>
      {symbol}
    </button>
  );
}

interface Scene {
  readonly geometry: Geometry;
  readonly colours: Colours;
}

/** Draws what changes during a drag. */
function useOverlay(
  overlay: { readonly current: HTMLCanvasElement | null },
  props: PlanePlotProps,
  { geometry: { isLine, size, ratio, view, toPixels }, colours }: Scene,
): void {
  const { points, selected } = props;
  useLayoutEffect(() => {
    const context = overlay.current && clear(overlay.current, size, ratio);
    const place: Point | undefined = selected === undefined ? undefined : [points.u[selected], points.v[selected]];
    if (context) drawOverlay(context, { ...props, isLine, selected: place }, toPixels, view.unit, colours);
  });
}

/** Draws axes, points and what is behind them with uPlot, when any of them changes. */
function useScatter(frame: { readonly current: HTMLDivElement | null }, props: PlanePlotProps, scene: Scene): void {
  const latest = useRef({ props, scene });
  latest.current = { props, scene };
  const plot = useRef<uPlot | undefined>(undefined);
  const { colours, geometry } = scene;
  const { isLine, outer, area } = geometry;
  const { points, labels, hidden, emphasized, names, prior, manifold } = props;
  useLayoutEffect(() => {
    if (outer.width === 0) return;
    plot.current ??= createPlot(frame.current as HTMLDivElement, () => latest.current);
    update(plot.current, geometry);
  }, [
    ...[points, labels, hidden, emphasized, names.join(), prior?.[0], prior?.[1], manifold, colours],
    ...[isLine, outer.width, outer.height, area.left, area.right, area.bottom, area.top],
  ]);
  useEffect(
    () => () => {
      plot.current?.destroy();
      plot.current = undefined;
    },
    [],
  );
}

/** Draws a plot again, with its present size and area. */
function update(plot: uPlot, { outer, area }: Geometry): void {
  plot.batch(() => {
    if (plot.width !== outer.width || plot.height !== outer.height) plot.setSize(outer);
    plot.setScale("x", { min: area.left, max: area.right });
    plot.setScale("y", { min: area.bottom, max: area.top });
    plot.redraw(false, true);
  });
}

type Latest = () => { readonly props: PlanePlotProps; readonly scene: Scene };

/** uPlot draws the axes; hooks draw the rest, as its scatter plots (mode 2) leave the points to the caller too. */
function createPlot(frame: HTMLElement, latest: Latest): uPlot {
  const { isLine, outer } = latest().scene.geometry;
  const options: uPlot.Options = {
    ...outer,
    padding: [AXES.top, AXES.right, 0, isLine ? AXES.right : 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, auto: false }, y: { auto: false } },
    axes: [axisOf(0, latest), { ...axisOf(1, latest), show: !isLine }],
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
    hooks: {
      drawClear: [(plot) => drawBehind(plot, latest())],
      draw: [(plot) => drawScatter(plot, latest())],
    },
  };
  return new uPlot(options, [[0], [null]], frame);
}

function axisOf(index: 0 | 1, latest: Latest): uPlot.Axis {
  return {
    stroke: () => latest().scene.colours.muted,
    grid: { stroke: () => (latest().props.manifold ? "transparent" : latest().scene.colours.line), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    labelFont: "500 12px system-ui, sans-serif",
    label: () => latest().props.names[index] ?? "",
    size: index === 0 ? AXES.bottom - 20 : AXES.left - 20,
    labelSize: 20,
    gap: 6,
    space: 60,
    values: (_, splits) => splits.map((value) => `${Number(value.toPrecision(6))}`.replace("-", "−")),
  };
}

function drawBehind(plot: uPlot, { props: { manifold } }: ReturnType<Latest>): void {
  if (manifold) drawImageBehind(plot, manifold.image, manifold.area);
}

function drawScatter(plot: uPlot, { props, scene }: ReturnType<Latest>): void {
  const isOverImage = props.manifold !== undefined;
  const { u, v } = props.points;
  drawPoints(plot, u, v, { ...props, isOverImage }, scene.colours);
  if (props.prior) drawPrior(plot, props.prior, scene.geometry.isLine, scene.colours);
}

/** The visible point nearest to a pixel, within reach. */
function nearestPixel(
  { u, v }: PlanePlotProps["points"],
  toPixels: (point: Point) => Point,
  isVisible: (index: number) => boolean,
  [x, y]: Point,
  reach: number,
): number | undefined {
  let nearest: number | undefined;
  let least = reach;
  for (let i = 0; i < u.length; i++) {
    const [left, top] = toPixels([u[i], v[i]]);
    const distance = Math.hypot(left - x, top - y);
    if (distance > least || !isVisible(i)) continue;
    least = distance;
    nearest = i;
  }
  return nearest;
}

/** Clears a canvas, with as many pixels as the screen has for it. Its context then draws in CSS pixels. */
function clear(canvas: HTMLCanvasElement, { width, height }: Size, ratio: number): CanvasRenderingContext2D | null {
  canvas.width = Math.round(width * ratio); // also clears it
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context?.scale(ratio, ratio);
  return context;
}
