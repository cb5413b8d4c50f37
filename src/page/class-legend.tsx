// The legend of classes: a click hides or shows one, and hovering or focus makes it stand out.
import { useEffect, useRef } from "preact/hooks";
import { type Colours, drawSprite, useColours } from "./plane-drawing.js";
import type { ShownClasses } from "./shown-classes.js";

interface ClassLegendProps {
  readonly classes: readonly string[];
  readonly shown: ShownClasses;
}

/** More classes than this are in a box that scrolls. */
const MAX_CLASSES = 40;

export function ClassLegend({ classes, shown }: ClassLegendProps) {
  const colours = useColours();
  const hidden = shown.hidden.value;
  const point = (label: number | undefined) => () => {
    shown.pointed.value = label;
  };
  return (
    <fieldset class={`class-legend${classes.length > MAX_CLASSES ? " long" : ""}`} aria-label="Classes shown">
      {classes.map((name, label) => (
        <button
          key={name}
          type="button"
          aria-pressed={!hidden.has(label)}
          onClick={() => shown.toggle(label)}
          onMouseEnter={point(label)}
          onMouseLeave={point(undefined)}
          onFocus={point(label)}
          onBlur={point(undefined)}
        >
          <Swatch label={label} colours={colours} />
          {name}
        </button>
      ))}
      {hidden.size > 0 && (
        <button type="button" class="plain" onClick={() => shown.showAll()}>
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
