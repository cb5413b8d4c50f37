// A scatter plot of a latent plane with a cursor to drag, or a strip of one dimension. It takes data and callbacks, and
// asks no server. The points are drawn anew only if they or the viewport change: the cursor is on a canvas above.
import type { Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { type Gestures, listen } from "./gestures.js";
import type { Area, Ellipse, Point } from "./plane.js";
import { type Colours, drawImageBehind, drawOverlay, drawPoints, drawPrior, useColours } from "./plane-drawing.js";
import { areaAround, areaOf, pan, reveal, type Size, showing, type Viewport, zoom } from "./viewport.js";

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

/** Space of the axes, in CSS pixels. */
const AXES = { left: 50, bottom: 46, top: 8, right: 14 };
/** How far from a point a click may be, in CSS pixels. */
const MOUSE_REACH = 12;
const TOUCH_REACH = 24;

export function PlanePlot(props: PlanePlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const isLine = props.names.length === 1;
  const ratio = usePixelRatio();
  const outer = useSize(frame);
  const inset = { ...AXES, left: isLine ? AXES.right : AXES.left };
  const size = {
    width: Math.max(1, outer.width - inset.left - inset.right),
    height: Math.max(1, outer.height - inset.top - inset.bottom),
  };
  const colours = useColours();
  const { u, v } = props.points;
  const whole = useMemo(() => areaAround(u, v, props.prior), [u, v, props.prior?.[0], props.prior?.[1]]);
  const view = props.viewport.value ?? showing(isLine ? { ...whole, bottom: 0, top: 0 } : whole, size);
  const toArea = (viewport: Viewport): Area => ({
    ...areaOf(viewport, size),
    ...(isLine && { bottom: -1, top: 1 }), // the height of a strip has no meaning
  });
  const area = toArea(view);
  const scale = { x: size.width / (area.right - area.left), y: size.height / (area.top - area.bottom) };
  const toPixels = ([u, v]: Point): Point => [(u - area.left) * scale.x, (area.top - v) * scale.y];
  const toPoint = ([x, y]: Point): Point => [area.left + x / scale.x, isLine ? 0 : area.top - y / scale.y];

  useScatter(frame, props, { isLine, outer, area, colours });

  useLayoutEffect(() => {
    const context = overlay.current && clear(overlay.current, size, ratio);
    const selected: Point | undefined =
      props.selected === undefined ? undefined : [u[props.selected], v[props.selected]];
    if (context) drawOverlay(context, { ...props, isLine, selected }, toPixels, view.unit, colours);
  });
  const { left, right, bottom, top } = area;
  useEffect(() => props.onView?.(area, size), [left, right, bottom, top, size.width, size.height]);

  const change = (next: Viewport) => {
    props.viewport.value = next;
  };
  const pick = (at: Point, reach: number) => {
    const [place, visible] = [toPixels, (i: number) => !props.hidden?.has(props.labels?.[i] ?? -1)];
    return nearestPixel(props.points, place, visible, at, reach);
  };
  const gestures = useRef<Gestures>(null as never);
  gestures.current = {
    drag: ([x, y]) =>
      props.onMove?.(toPoint([Math.max(0, Math.min(size.width, x)), Math.max(0, Math.min(size.height, y))])),
    click(at, isTouch) {
      const index = pick(at, isTouch ? TOUCH_REACH : MOUSE_REACH);
      if (index !== undefined) props.onPick?.(index);
      else props.onMove?.(toPoint(at));
    },
    choose() {
      const index = props.cursor && pick(toPixels(props.cursor), Infinity);
      if (index !== undefined) props.onPick?.(index);
    },
    step(right, down) {
      if (!props.cursor) return;
      const [x, y] = toPixels(props.cursor);
      const to = toPoint([x + right, y + down]);
      change(reveal(view, to, size));
      props.onMove?.(to);
    },
    zoom: (factor, at) => change(zoom(view, factor, at && toPoint(at))),
    pan: (right, down) => change(pan(view, right, down)),
    reset: () => {
      props.viewport.value = undefined;
    },
  };
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
  readonly isLine: boolean;
  readonly outer: Size;
  readonly area: Area;
  readonly colours: Colours;
}

/** Draws axes, points and what is behind them with uPlot, when any of them changes. */
function useScatter(frame: { readonly current: HTMLDivElement | null }, props: PlanePlotProps, scene: Scene): void {
  const latest = useRef({ props, scene });
  latest.current = { props, scene };
  const plot = useRef<uPlot | undefined>(undefined);
  const { isLine, outer, area, colours } = scene;
  const { points, labels, hidden, emphasized, names, prior, manifold } = props;
  useLayoutEffect(() => {
    if (outer.width === 0) return;
    plot.current ??= createPlot(frame.current as HTMLDivElement, isLine, () => latest.current);
    const { current } = plot;
    current.batch(() => {
      if (current.width !== outer.width || current.height !== outer.height) current.setSize(outer);
      current.setScale("x", { min: area.left, max: area.right });
      current.setScale("y", { min: area.bottom, max: area.top });
      current.redraw(false, true);
    });
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

type Latest = () => { readonly props: PlanePlotProps; readonly scene: Scene };

/** uPlot draws the axes; hooks draw the rest, as its scatter plots (mode 2) leave the points to the caller too. */
function createPlot(frame: HTMLElement, isLine: boolean, latest: Latest): uPlot {
  const axis = (index: number): uPlot.Axis => ({
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
    show: index === 0 || !isLine,
  });
  const options: uPlot.Options = {
    width: latest().scene.outer.width,
    height: latest().scene.outer.height,
    padding: [AXES.top, AXES.right, 0, isLine ? AXES.right : 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, auto: false }, y: { auto: false } },
    axes: [axis(0), axis(1)],
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
    hooks: {
      drawClear: [(plot) => drawBehind(plot, latest())],
      draw: [(plot) => drawScatter(plot, latest())],
    },
  };
  return new uPlot(options, [[0], [null]], frame);
}

function drawBehind(plot: uPlot, { props: { manifold } }: ReturnType<Latest>): void {
  if (manifold) drawImageBehind(plot, manifold.image, manifold.area);
}

function drawScatter(plot: uPlot, { props, scene }: ReturnType<Latest>): void {
  const isOverImage = props.manifold !== undefined;
  const { u, v } = props.points;
  drawPoints(plot, u, v, { ...props, isOverImage }, scene.colours);
  if (props.prior) drawPrior(plot, props.prior, scene.isLine, scene.colours);
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

/** Pixels of the screen per CSS pixel, which differ between screens and change with the zoom of the browser. */
function usePixelRatio(): number {
  const [ratio, setRatio] = useState(devicePixelRatio);
  useEffect(() => {
    const same = matchMedia(`(resolution: ${ratio}dppx)`);
    const read = () => setRatio(devicePixelRatio);
    same.addEventListener("change", read);
    return () => same.removeEventListener("change", read);
  }, [ratio]);
  return ratio;
}

/** The size of an element, 0 × 0 before it is in the page. */
function useSize(element: { readonly current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measured = element.current as HTMLElement;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = measured;
      setSize((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(measured);
    return () => observer.disconnect();
  }, []);
  return size;
}
