// A small plane of points that shows one place in it. The Plane view is the large one.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { drawSprite, readColours } from "./plane-drawing.js";
import { type Area, areaAround } from "./viewport.js";

/** Pixels of the canvas along each side. CSS fits it to the page. */
const SIDE = 720;
const MARGIN = 0.04;
const RADIUS = 4;

/** Whether the page is dark. The points are drawn again when this changes. */
const isDark = signal(false);
const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const readScheme = () => {
  isDark.value = darkQuery.matches;
};
readScheme();
darkQuery.addEventListener("change", readScheme);

export interface MiniPoints {
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly labels?: ArrayLike<number> | undefined;
}

interface MiniPlaneProps {
  readonly points: MiniPoints;
  /** Whether to show the circles of N(0, 1). */
  readonly hasPrior: boolean;
  /** A place, and half the axes of an ellipse around it. */
  readonly mark?: { readonly u: number; readonly v: number; readonly radii?: readonly [number, number] | undefined };
  /** What to show; by default, what is around the points. */
  readonly area?: Area;
  /** Says what the plane shows, for screen readers. */
  readonly label: string;
}

export function MiniPlane({ points, hasPrior, mark, area, label }: MiniPlaneProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = scaleOf(area ?? areaAround(points.u, points.v, hasPrior ? [0, 0] : undefined));
  const dark = isDark.value;
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context) drawPoints(context, points, scale);
  }, [points, scale.x(0), scale.y(0), scale.unit, dark]);
  return (
    <div class="mini-plane" role="img" aria-label={label}>
      <canvas ref={canvas} width={SIDE} height={SIDE} />
      <svg viewBox={`0 0 ${SIDE} ${SIDE}`} aria-hidden="true">
        {hasPrior &&
          [1, 2].map((sigmas) => (
            <circle key={sigmas} class="mini-prior" cx={scale.x(0)} cy={scale.y(0)} r={sigmas * scale.unit} />
          ))}
        {mark && (
          <g class="mini-mark">
            {mark.radii && (
              <ellipse
                cx={scale.x(mark.u)}
                cy={scale.y(mark.v)}
                rx={mark.radii[0] * scale.unit}
                ry={mark.radii[1] * scale.unit}
              />
            )}
            <circle cx={scale.x(mark.u)} cy={scale.y(mark.v)} r={8} />
          </g>
        )}
      </svg>
    </div>
  );
}

interface Scale {
  x(u: number): number;
  y(v: number): number;
  /** Pixels per unit. */
  readonly unit: number;
}

function scaleOf({ left, right, bottom, top }: Area): Scale {
  const extent = Math.max(right - left, top - bottom) || 1;
  const unit = (SIDE * (1 - 2 * MARGIN)) / extent;
  return {
    x: (u) => SIDE / 2 + unit * (u - (left + right) / 2),
    y: (v) => SIDE / 2 - unit * (v - (bottom + top) / 2),
    unit,
  };
}

function drawPoints(context: CanvasRenderingContext2D, { u, v, labels }: MiniPoints, { x, y }: Scale): void {
  const colours = readColours();
  const sprites = new Map<number, HTMLCanvasElement>();
  context.clearRect(0, 0, SIDE, SIDE);
  context.globalAlpha = 0.7;
  for (let i = 0; i < u.length; i++) {
    const label = labels?.[i] ?? -1;
    const sprite = sprites.get(label) ?? drawSprite(label, RADIUS, colours, false);
    sprites.set(label, sprite);
    context.drawImage(sprite, x(u[i]) - sprite.width / 2, y(v[i]) - sprite.height / 2);
  }
}
