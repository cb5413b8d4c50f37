// The canvas of the Draw view: pointers and keys move the brush.
import { batch, useSignal, useSignalEffect } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import type { Sketch } from "./draw-state.js";
import { imageDataOf } from "./picture.js";

/** Where the brush is, in pixels of the image. */
interface Place {
  readonly x: number;
  readonly y: number;
}

/** The eraser at the other end of a pen, in `buttons` of a pointer event. */
const ERASER_BUTTON = 32;
const LARGE_STEP = 4;
const FOCUSABLE = { role: "application", tabIndex: 0, "aria-label": "Drawing" } as const;

export function DrawCanvas({ sketch }: { readonly sketch: Sketch }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const hint = useId();
  /** Undefined while neither the pointer nor the keyboard is on the canvas. */
  const place = useSignal<Place | undefined>(undefined);
  const { drawing } = sketch;
  const { height, width } = drawing.size;
  useSignalEffect(() => {
    const context = canvas.current?.getContext("2d");
    context?.putImageData(imageDataOf(drawing.image.value, width, height), 0, 0);
  });
  const keys = keyHandlers(sketch, place);
  return (
    <div class="draw-area">
      <div class="draw-frame" {...FOCUSABLE} aria-describedby={hint} {...pointerHandlers(sketch, place)} {...keys}>
        <canvas ref={canvas} class="picture" width={width} height={height} />
        {place.value && <Ring sketch={sketch} place={place.value} />}
      </div>
      <p id={hint} class="small">
        Draw here. Keys: arrows move the brush, Space lowers or lifts it, Delete clears, Ctrl+Z undoes.
      </p>
    </div>
  );
}

interface RingProps {
  readonly sketch: Sketch;
  readonly place: Place;
}

/** Shows where the brush is, its size, and whether it is down. */
function Ring({ sketch, place }: RingProps) {
  const { size, isDrawing } = sketch.drawing;
  const { height, width } = size;
  const diameter = Math.max(1, sketch.brush.value);
  const style = {
    left: `${(100 * (place.x - diameter / 2)) / width}%`,
    top: `${(100 * (place.y - diameter / 2)) / height}%`,
    width: `${(100 * diameter) / width}%`,
    height: `${(100 * diameter) / height}%`,
  };
  return <div class={`draw-ring${isDrawing.value ? " is-down" : ""}`} style={style} aria-hidden="true" />;
}

type PlaceSignal = ReturnType<typeof useSignal<Place | undefined>>;

function pointerHandlers(sketch: Sketch, place: PlaceSignal) {
  const { drawing } = sketch;
  const end = ({ isPrimary }: PointerEvent) => {
    if (isPrimary) drawing.end();
  };
  return {
    onPointerDown(event: PointerEvent) {
      if (!event.isPrimary) return; // a second finger
      if (event.button > 0 && !isEraser(event)) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      drawing.begin(brushAt(event, sketch), isEraser(event) ? drawing.background : sketch.colour);
    },
    onPointerMove(event: PointerEvent) {
      if (!event.isPrimary) return;
      const events = event.getCoalescedEvents?.() ?? []; // Safari has it since version 18.2
      batch(() => {
        if (event.buttons === 0) return;
        for (const each of events.length > 0 ? events : [event]) drawing.extend(brushAt(each, sketch, event));
      });
      place.value = event.pointerType === "touch" ? undefined : brushAt(event, sketch);
    },
    onPointerUp: end,
    onPointerCancel: end,
    onPointerLeave() {
      place.value = undefined;
    },
  };
}

function isEraser({ pointerType, buttons }: PointerEvent): boolean {
  return pointerType === "pen" && (buttons & ERASER_BUTTON) !== 0;
}

/** The brush at an event. A pen's pressure changes the radius, from a quarter to nearly twice its value. */
function brushAt(event: PointerEvent, sketch: Sketch, { currentTarget } = event) {
  const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
  const { size } = sketch.drawing;
  const pressure = event.pointerType === "pen" ? 0.25 + 1.5 * event.pressure : 1;
  return {
    x: ((event.clientX - left) / width) * size.width,
    y: ((event.clientY - top) / height) * size.height,
    radius: (sketch.brush.value / 2) * pressure,
  };
}

/** Moves and draws with keys. Coordinates of the keyboard's brush are middles of pixels. */
function keyHandlers(sketch: Sketch, place: PlaceSignal) {
  const { drawing } = sketch;
  const { height, width } = drawing.size;
  const current = () => place.value ?? { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
  const brush = (at: Place) => ({ ...at, radius: sketch.brush.value / 2 });
  const move = (right: number, down: number) => {
    const { x, y } = current();
    const middle = (value: number, size: number) => Math.floor(Math.max(0, Math.min(size - 1, value))) + 0.5;
    place.value = { x: middle(x + right, width), y: middle(y + down, height) };
    drawing.extend(brush(place.value));
  };
  const toggle = () => {
    if (drawing.isDrawing.value) return drawing.end();
    place.value = current();
    drawing.begin(brush(place.value), sketch.colour);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const act = actionOf(event, { move, toggle, drawing });
    if (!act) return;
    event.preventDefault();
    act();
  };
  return {
    onKeyDown,
    onFocus({ currentTarget }: FocusEvent) {
      if ((currentTarget as Element).matches(":focus-visible")) place.value = current();
    },
    onBlur() {
      drawing.end();
      place.value = undefined;
    },
  };
}

interface KeyActions {
  move(right: number, down: number): void;
  toggle(): void;
  readonly drawing: Sketch["drawing"];
}

function actionOf(event: KeyboardEvent, { move, toggle, drawing }: KeyActions): (() => void) | undefined {
  const { key, shiftKey, repeat } = event;
  if (event.ctrlKey || event.metaKey) return key.toLowerCase() === "z" ? () => drawing.undo() : undefined;
  const step = shiftKey ? LARGE_STEP : 1;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => move(-step, 0),
    ArrowRight: () => move(step, 0),
    ArrowUp: () => move(0, -step),
    ArrowDown: () => move(0, step),
    " ": () => (repeat ? undefined : toggle()),
    Escape: () => drawing.end(),
    Delete: () => drawing.clear(),
    Backspace: () => drawing.clear(),
  };
  return actions[key];
}
