// Where a plane is on the screen: the sizes of its plot, what is visible, and the pixels of places.
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { Area, Point } from "./plane.js";
import { areaAround, areaOf, type Size, showing, type Viewport } from "./viewport.js";

/** Space of the axes, in CSS pixels. */
export const AXES = { left: 60, bottom: 46, top: 8, right: 14 };

export interface Geometry {
  /** Whether the plot is a strip of one dimension, whose height has no meaning. */
  readonly isLine: boolean;
  /** The plot with its axes. */
  readonly outer: Size;
  /** The plot without its axes, and the axes around it. */
  readonly size: Size;
  readonly inset: typeof AXES;
  /** Pixels of the screen per CSS pixel. */
  readonly ratio: number;
  readonly view: Viewport;
  readonly area: Area;
  /** CSS pixels of a place, from the top left corner of the plot without axes. */
  toPixels(place: Point): Point;
  /** The place at pixels of a viewport. */
  toPlace(pixels: Point, view?: Viewport): Point;
}

interface Given {
  readonly points: { readonly u: Float32Array; readonly v: Float32Array };
  readonly prior?: Point | undefined;
  /** Undefined shows all points. */
  readonly viewport: Viewport | undefined;
  readonly isLine: boolean;
}

/** @param frame the element that the plot fills */
export function useGeometry(
  frame: { readonly current: HTMLElement | null },
  { points: { u, v }, prior, viewport, isLine }: Given,
): Geometry {
  const ratio = usePixelRatio();
  const outer = useSize(frame);
  const inset = { ...AXES, left: isLine ? AXES.right : AXES.left };
  const size = {
    width: Math.max(1, outer.width - inset.left - inset.right),
    height: Math.max(1, outer.height - inset.top - inset.bottom),
  };
  const whole = useMemo(() => areaAround(u, v, prior), [u, v, prior?.[0], prior?.[1]]);
  const view = viewport ?? showing(isLine ? { ...whole, bottom: 0, top: 0 } : whole, size);
  const visible = (of: Viewport): Area => ({ ...areaOf(of, size), ...(isLine && { bottom: -1, top: 1 }) });
  const area = visible(view);
  const scale = { x: size.width / (area.right - area.left), y: size.height / (area.top - area.bottom) };
  return {
    ...{ isLine, outer, size, inset, ratio, view, area },
    toPixels: ([u, v]) => [(u - area.left) * scale.x, (area.top - v) * scale.y],
    toPlace([x, y], of = view) {
      const { left, top } = visible(of);
      return [left + x * of.unit, isLine ? 0 : top - y * of.unit];
    },
  };
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
