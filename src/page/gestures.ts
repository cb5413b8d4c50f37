// Gestures on a plot: one pointer drags or clicks, two pinch, the wheel zooms, keys move the cursor.
import type { Point } from "./plane.js";

/** Positions and distances are in CSS pixels, from the plot's top left corner. */
export interface Gestures {
  drag(at: Point): void;
  click(at: Point, isTouch: boolean): void;
  zoom(factor: number, at?: Point): void;
  pan(right: number, down: number): void;
  /** An arrow key: the cursor moves. */
  step(right: number, down: number): void;
  /** The Enter key: selects the point nearest to the cursor. */
  choose(): void;
  reset(): void;
}

/** A pointer that moves less is a click. */
const MIN_DRAG = 4;
const STEP = 8;
const LARGE_STEP = 40;

/**
 * @param scrollsPage the wheel zooms only with Ctrl or Command, or if the element has the focus
 * @returns removes the listeners
 */
export function listen(element: HTMLElement, handle: () => Gestures, scrollsPage = false): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const pointers = listenToPointers(element, handle);
  for (const [name, listener] of Object.entries(pointers)) {
    element.addEventListener(name as keyof typeof pointers, listener, { signal });
  }
  const onWheel = (event: WheelEvent) => {
    const mayZoom = !scrollsPage || event.ctrlKey || event.metaKey || document.activeElement === element;
    if (mayZoom) zoomByWheel(event, element, handle());
  };
  element.addEventListener("wheel", onWheel, { signal, passive: false });
  element.addEventListener("keydown", (event) => handleKey(event, handle()), { signal });
  return () => controller.abort();
}

function listenToPointers(element: HTMLElement, handle: () => Gestures) {
  const pressed = new Map<number, Point>();
  let start: Point | undefined;
  let isDrag = false;
  const release = (event: PointerEvent) => {
    if (!pressed.delete(event.pointerId)) return;
    if (event.type === "pointerup" && start && !isDrag) handle().click(start, event.pointerType === "touch");
    start = undefined;
  };
  return {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      pressed.set(event.pointerId, positionOf(event, element));
      start = pressed.size === 1 ? positionOf(event, element) : undefined; // a second pointer begins a pinch
      isDrag = false;
    },
    pointermove(event: PointerEvent) {
      const before = pressed.get(event.pointerId);
      if (!before) return;
      const at = positionOf(event, element);
      if (pressed.size === 2) pinch([...pressed.values()], before, at, handle());
      else if (start) {
        isDrag ||= distance(start, at) >= MIN_DRAG;
        if (isDrag && event.shiftKey) handle().pan(at[0] - before[0], at[1] - before[1]);
        else if (isDrag) handle().drag(at);
      }
      pressed.set(event.pointerId, at);
    },
    pointerup: release,
    pointercancel: release,
  };
}

/** One of two pointers moved from `before` to `at`. */
function pinch([first, second]: Point[], before: Point, at: Point, gestures: Gestures): void {
  const fixed = first === before ? second : first;
  const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const [from, to] = [middle(fixed, before), middle(fixed, at)];
  gestures.pan(to[0] - from[0], to[1] - from[1]);
  gestures.zoom(distance(fixed, at) / Math.max(1, distance(fixed, before)), to);
}

function zoomByWheel(event: WheelEvent, element: HTMLElement, gestures: Gestures): void {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
  const speed = event.ctrlKey ? 0.01 : 0.002; // a pinch on a touchpad comes as a wheel with the control key
  gestures.zoom(Math.exp(-speed * Math.max(-200, Math.min(200, pixels))), positionOf(event, element));
}

function handleKey(event: KeyboardEvent, gestures: Gestures): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const by = event.shiftKey ? LARGE_STEP : STEP;
  const keys: Record<string, () => void> = {
    ArrowLeft: () => gestures.step(-by, 0),
    ArrowRight: () => gestures.step(by, 0),
    ArrowUp: () => gestures.step(0, -by),
    ArrowDown: () => gestures.step(0, by),
    Enter: () => gestures.choose(),
    "+": () => gestures.zoom(1.5),
    "-": () => gestures.zoom(1 / 1.5),
    "0": () => gestures.reset(),
  };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function positionOf(event: MouseEvent, element: HTMLElement): Point {
  const { left, top } = element.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

function distance([x, y]: Point, [otherX, otherY]: Point): number {
  return Math.hypot(x - otherX, y - otherY);
}
