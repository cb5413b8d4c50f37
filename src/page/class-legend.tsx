// The legend of classes: a click hides or shows one, and hovering or focus makes it stand out.
import { useEffect, useRef } from "preact/hooks";
import { type Colours, drawSprite } from "./plane-drawing.js";

interface ClassLegendProps {
  readonly classes: readonly string[];
  readonly hidden: ReadonlySet<number>;
  readonly colours: Colours;
  onHide(hidden: ReadonlySet<number>): void;
  onEmphasize(label: number | undefined): void;
}

/** More classes than this are in a box that scrolls. */
const MAX_CLASSES = 40;

export function ClassLegend({ classes, hidden, colours, onHide, onEmphasize }: ClassLegendProps) {
  const toggle = (label: number) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    onHide(next);
  };
  return (
    <fieldset class={`class-legend${classes.length > MAX_CLASSES ? " long" : ""}`} aria-label="Classes shown">
      {classes.map((name, label) => (
        <button
          key={name}
          type="button"
          aria-pressed={!hidden.has(label)}
          onClick={() => toggle(label)}
          onMouseEnter={() => onEmphasize(label)}
          onMouseLeave={() => onEmphasize(undefined)}
          onFocus={() => onEmphasize(label)}
          onBlur={() => onEmphasize(undefined)}
        >
          <Swatch label={label} colours={colours} />
          {name}
        </button>
      ))}
      {hidden.size > 0 && (
        <button type="button" class="plain" onClick={() => onHide(new Set())}>
          Show all
        </button>
      )}
    </fieldset>
  );
}

/** CSS pixels, and the pixels of the canvas for each. */
const SIZE = 12;
const RATIO = 2;

function Swatch({ label, colours }: { readonly label: number; readonly colours: Colours }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    const sprite = drawSprite(label, (RATIO * SIZE) / 2 - 3, colours, false);
    context?.clearRect(0, 0, RATIO * SIZE, RATIO * SIZE);
    context?.drawImage(sprite, (RATIO * SIZE - sprite.width) / 2, (RATIO * SIZE - sprite.height) / 2);
  }, [label, colours]);
  return (
    <span class="swatch" aria-hidden="true">
      <canvas ref={canvas} width={RATIO * SIZE} height={RATIO * SIZE} />
    </span>
  );
}
