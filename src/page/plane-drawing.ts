// Draws on the canvases of a plane: the points, the prior and the manifold below; the cursor and the selection above.
import { useEffect, useState } from "preact/hooks";
import type uPlot from "uplot";
import type { Area, Ellipse, Point } from "./plane.js";

/** Colours of the style sheet, which follow the colour scheme. */
export interface Colours {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly accent: string;
  readonly classes: readonly string[];
}

/** Classes with colours of their own. Later ones repeat the colours as rings, then as squares. */
export const MAX_COLOURS = 10;

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read("text"),
    muted: read("muted"),
    line: read("line"),
    surface: read("surface"),
    accent: read("accent"),
    classes: Array.from({ length: MAX_COLOURS }, (_, i) => read(`class-${i}`)),
  };
}

/** The colours of the style sheet, which change with the colour scheme of the system. */
export function useColours(): Colours {
  const [colours, setColours] = useState(readColours);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const read = () => setColours(readColours());
    scheme.addEventListener("change", read);
    return () => scheme.removeEventListener("change", read);
  }, []);
  return colours;
}

export interface PointStyle {
  readonly labels?: ArrayLike<number> | undefined;
  /** Classes that are not shown. */
  readonly hidden?: ReadonlySet<number> | undefined;
  /** The class that stands out. */
  readonly emphasized?: number | undefined;
  /** Whether there is an image behind, which needs outlines around the points. */
  readonly isOverImage: boolean;
}

/** Draws the points of a plot, in the order of the images, so that no class covers the others. */
export function drawPoints(plot: uPlot, u: Float32Array, v: Float32Array, style: PointStyle, colours: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = bbox.width / plot.over.clientWidth;
  const size = Math.min(plot.over.clientWidth, plot.over.clientHeight);
  const radius = ratio * pointRadius(u.length, size) * (style.isOverImage ? 0.9 : 1);
  const sprites = new Map<number, HTMLCanvasElement>();
  const x = linear(plot, "x");
  const y = linear(plot, "y");
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let i = 0; i < u.length; i++) {
    const label = style.labels?.[i] ?? -1;
    if (style.hidden?.has(label)) continue;
    const [left, top] = [x(u[i]), y(v[i])];
    if (left < bbox.left || left > bbox.left + bbox.width || top < bbox.top || top > bbox.top + bbox.height) continue;
    let sprite = sprites.get(label);
    if (!sprite) {
      sprite = drawSprite(label, radius, colours, style.isOverImage);
      sprites.set(label, sprite);
    }
    ctx.globalAlpha = style.emphasized === undefined || style.emphasized === label ? 0.85 : 0.12;
    ctx.drawImage(sprite, left - sprite.width / 2, top - sprite.height / 2);
  }
  ctx.restore();
}

/** Side of a plot with points of full size, in CSS pixels. */
const FULL_SIZE = 500;

/** CSS pixels: few points are larger, and those of a small plot are smaller, so that they cover each other less. */
function pointRadius(count: number, size: number): number {
  return Math.min(6, Math.max(2.2, 60 / Math.sqrt(count + 1) + 1.6)) * Math.min(1, Math.sqrt(size / FULL_SIZE));
}

/** A point of a class: a disc, a ring or a square. Of −1, without a class, a disc in the accent colour. */
export function drawSprite(label: number, radius: number, colours: Colours, hasOutline: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const size = Math.ceil(2 * radius + 4);
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const shape = label < 0 ? 0 : Math.floor(label / MAX_COLOURS) % 3;
  context.fillStyle = context.strokeStyle = label < 0 ? colours.accent : colours.classes[label % MAX_COLOURS];
  context.beginPath();
  if (shape === 2) context.rect(size / 2 - 0.9 * radius, size / 2 - 0.9 * radius, 1.8 * radius, 1.8 * radius);
  else context.arc(size / 2, size / 2, shape === 1 ? 0.8 * radius : radius, 0, 2 * Math.PI);
  if (hasOutline) {
    context.save();
    context.lineWidth = 1;
    context.strokeStyle = colours.surface;
    context.stroke();
    context.restore();
  }
  context.lineWidth = radius / 2;
  if (shape === 1) context.stroke();
  else context.fill();
  return canvas;
}

/** Converts a value to pixels of the canvas. uPlot's own function is too slow for each of 10,000 points. */
function linear(plot: uPlot, scale: "x" | "y"): (value: number) => number {
  const at = (value: number) => plot.valToPos(value, scale, true);
  const start = at(0);
  const slope = at(1) - start;
  return (value) => start + slope * value;
}

/** An image behind the points. */
export function drawImageBehind(plot: uPlot, image: CanvasImageSource, area: Area): void {
  const { ctx, bbox } = plot;
  const [left, top] = [plot.valToPos(area.left, "x", true), plot.valToPos(area.top, "y", true)];
  const [right, bottom] = [plot.valToPos(area.right, "x", true), plot.valToPos(area.bottom, "y", true)];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.drawImage(image, left, top, right - left, bottom - top);
  ctx.restore();
}

/** Circles of N(0, 1) at 1σ and 2σ; of a line, its intervals. */
export function drawPrior(plot: uPlot, [u, v]: Point, isLine: boolean, { text, surface }: Colours): void {
  const { ctx, bbox } = plot;
  const x = linear(plot, "x");
  const y = linear(plot, "y");
  const ratio = bbox.width / plot.over.clientWidth;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  ctx.lineJoin = "round";
  for (const sigmas of [1, 2]) {
    const radius = x(u + sigmas) - x(u);
    outlined(ctx, surface, text, ratio, () => {
      if (!isLine) ctx.arc(x(u), y(v), radius, 0, 2 * Math.PI);
      for (const side of isLine ? [-radius, radius] : []) {
        ctx.moveTo(x(u) + side, bbox.top);
        ctx.lineTo(x(u) + side, bbox.top + bbox.height);
      }
    });
    const name = `${sigmas}σ`;
    const at: Point = isLine
      ? [x(u) + radius + 5 * ratio, bbox.top + 14 * ratio]
      : [x(u) + radius * Math.SQRT1_2 + 4 * ratio, y(v) - radius * Math.SQRT1_2 - 4 * ratio];
    ctx.lineWidth = 4 * ratio;
    ctx.strokeStyle = surface;
    ctx.strokeText(name, ...at);
    ctx.fillStyle = text;
    ctx.fillText(name, ...at);
  }
  ctx.restore();
}

export interface Overlay {
  readonly cursor?: Point | undefined;
  /** Whether the plot is a strip, in which the cursor is a line. */
  readonly isLine?: boolean;
  readonly selected?: Point | undefined;
  /** The posterior of the selected image. */
  readonly ellipse?: Ellipse | undefined;
  /** Ends of the path, each drawn once it is set. */
  readonly path?: readonly [from: Point | undefined, to: Point | undefined] | undefined;
}

/** What changes during a drag, on a canvas of its own. `place` converts to CSS pixels of that canvas. */
export function drawOverlay(
  context: CanvasRenderingContext2D,
  overlay: Overlay,
  place: (point: Point) => Point,
  unit: number,
  colours: Colours,
): void {
  const { cursor, isLine = false, selected, ellipse, path } = overlay;
  if (path)
    drawPath(
      context,
      path.map((end) => end && place(end)),
      colours,
    );
  if (ellipse) drawEllipse(context, ellipse, place(ellipse.centre), unit, colours);
  if (selected) drawRing(context, place(selected), 7, colours);
  if (cursor) drawCursor(context, place(cursor), isLine, colours);
}

function drawEllipse(
  context: CanvasRenderingContext2D,
  { radii, angle }: Ellipse,
  [x, y]: Point,
  unit: number,
  { text, surface }: Colours,
): void {
  for (const sigmas of [1, 2]) {
    const [long, short] = radii.map((radius) => (sigmas * radius) / unit);
    outlined(context, surface, text, 1.5, () =>
      context.ellipse(x, y, long, Math.max(short, 0.5), -angle, 0, 2 * Math.PI),
    );
  }
}

function drawPath(context: CanvasRenderingContext2D, ends: (Point | undefined)[], colours: Colours): void {
  const [from, to] = ends;
  if (from && to) {
    outlined(context, colours.surface, colours.accent, 2, () => {
      context.moveTo(...from);
      context.lineTo(...to);
    });
  }
  context.font = "600 11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  ends.forEach((end, i) => {
    if (!end) return;
    context.beginPath();
    context.arc(...end, 9, 0, 2 * Math.PI);
    context.fillStyle = colours.accent;
    context.fill();
    context.fillStyle = colours.surface;
    context.fillText("AB"[i], end[0], end[1] + 0.5);
  });
}

function drawRing(context: CanvasRenderingContext2D, at: Point, radius: number, { text, surface }: Colours): void {
  outlined(context, surface, text, 2, () => context.arc(...at, radius, 0, 2 * Math.PI));
}

function drawCursor(
  context: CanvasRenderingContext2D,
  [x, y]: Point,
  isLine: boolean,
  { accent, surface }: Colours,
): void {
  outlined(context, surface, accent, 2, () => {
    if (isLine) {
      context.moveTo(x, 0);
      context.lineTo(x, context.canvas.height);
      return;
    }
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(x + 8 * dx, y + 8 * dy);
      context.lineTo(x + 15 * dx, y + 15 * dy);
    }
  });
  context.beginPath();
  context.arc(x, y, 5, 0, 2 * Math.PI);
  context.fillStyle = accent;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = surface;
  context.stroke();
}

/** Strokes lines with an outline, so that they show on points of all colours. */
function outlined(
  context: CanvasRenderingContext2D,
  outline: string,
  colour: string,
  width: number,
  trace: () => void,
): void {
  for (const [lineWidth, stroke] of [
    [2.2 * width, outline],
    [width, colour],
  ] as const) {
    context.beginPath();
    trace();
    context.lineWidth = lineWidth;
    context.strokeStyle = stroke;
    context.stroke();
  }
}
